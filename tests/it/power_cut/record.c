/*
 * Records what a program writes below one directory: LD_PRELOADed (ld.so(8)) into the real, unchanged binary, it stands
 * between the program and its C library, through which SQLite and Rust's standard library reach the file system.
 *
 * Each call is made and written down under one lock that all recorded processes share (flock(2) on the trace), so the
 * order of the trace is the order of the calls. A call that failed changed nothing and is not written down. What is
 * written down is complete if all of it, replayed, gives the files as they are in the end: the test compares them.
 *
 * A record: how long the rest is (4 bytes), the call (1), the inode (8), an offset or a length (8), how long the path is
 * (4), the path, the data. Numbers as this machine has them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static int trace = -1;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("POWER_CUT_TRACE");
	root = getenv("POWER_CUT_ROOT");
	if (root && path)
		trace = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (trace < 0)
		abort();
}

static int is_below(const char *path)
{
	size_t length = root ? strlen(root) : 0;
	return trace >= 0 && strncmp(path, root, length) == 0 && path[length] == '/';
}

/* Whether an open file lies below the directory, and what it is. */
static int is_watched(int fd, struct stat *meta, char path[PATH_MAX])
{
	char link[64];
	int before = errno, watched = 0;
	if (trace >= 0 && fd != trace && fstat(fd, meta) == 0 && (S_ISREG(meta->st_mode) || S_ISDIR(meta->st_mode))) {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		ssize_t length = readlink(link, path, PATH_MAX - 1);
		if (length > 0) {
			path[length] = '\0';
			watched = is_below(path) || strcmp(path, root) == 0;
		}
	}
	errno = before;
	return watched;
}

static void begin(void)
{
	int before = errno;
	pthread_mutex_lock(&one_at_a_time);
	while (flock(trace, LOCK_EX) != 0)
		if (errno != EINTR)
			abort();
	errno = before;
}

static void end(void)
{
	int before = errno;
	flock(trace, LOCK_UN);
	pthread_mutex_unlock(&one_at_a_time);
	errno = before;
}

static void put(char call, uint64_t inode, uint64_t number, const char *path, const void *data, size_t length)
{
	int before = errno;
	uint32_t path_length = path ? strlen(path) : 0;
	uint32_t rest = 1 + 8 + 8 + 4 + path_length + length;
	char head[4 + 1 + 8 + 8 + 4];
	memcpy(head, &rest, 4);
	head[4] = call;
	memcpy(head + 5, &inode, 8);
	memcpy(head + 13, &number, 8);
	memcpy(head + 21, &path_length, 4);
	struct iovec parts[] = {
		{ head, sizeof head }, { (void *)path, path_length }, { (void *)data, length }
	};
	/* A trace with a gap would be a lie. */
	if (syscall(SYS_writev, trace, parts, 3) != (ssize_t)(sizeof head + path_length + length))
		abort();
	errno = before;
}

static int open_recorded(int at, const char *path, int flags, mode_t mode)
{
	struct stat meta;
	if (!is_below(path) || !(flags & (O_CREAT | O_TRUNC)))
		return syscall(SYS_openat, at, path, flags, mode);
	begin();
	int is_new = lstat(path, &meta) != 0;
	int fd = syscall(SYS_openat, at, path, flags, mode);
	if (fd >= 0 && fstat(fd, &meta) == 0) {
		if (is_new)
			put('C', meta.st_ino, 0, path, NULL, 0);
		else if (flags & O_TRUNC)
			put('T', meta.st_ino, 0, NULL, NULL, 0);
	}
	end();
	return fd;
}

#define MODE_OF(flags, mode)                              \
	mode_t mode = 0;                                  \
	if ((flags) & (O_CREAT | O_TMPFILE)) {            \
		va_list rest;                             \
		va_start(rest, flags);                    \
		mode = va_arg(rest, mode_t);              \
		va_end(rest);                             \
	}

int open(const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_recorded(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_recorded(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_recorded(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...)
{
	MODE_OF(flags, mode)
	return open_recorded(at, path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t length)
{
	struct stat meta;
	char path[PATH_MAX];
	if (!is_watched(fd, &meta, path))
		return syscall(SYS_write, fd, data, length);
	begin();
	ssize_t written = syscall(SYS_write, fd, data, length);
	if (written > 0)
		put('W', meta.st_ino, syscall(SYS_lseek, fd, 0, SEEK_CUR) - written, NULL, data, written);
	end();
	return written;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at)
{
	struct stat meta;
	char path[PATH_MAX];
	if (!is_watched(fd, &meta, path))
		return syscall(SYS_pwrite64, fd, data, length, at);
	begin();
	ssize_t written = syscall(SYS_pwrite64, fd, data, length, at);
	if (written > 0)
		put('W', meta.st_ino, at, NULL, data, written);
	end();
	return written;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at)
{
	return pwrite64(fd, data, length, at);
}

int ftruncate64(int fd, off64_t length)
{
	struct stat meta;
	char path[PATH_MAX];
	if (!is_watched(fd, &meta, path))
		return syscall(SYS_ftruncate, fd, length);
	begin();
	int failed = syscall(SYS_ftruncate, fd, length);
	if (!failed)
		put('T', meta.st_ino, length, NULL, NULL, 0);
	end();
	return failed;
}

int ftruncate(int fd, off_t length)
{
	return ftruncate64(fd, length);
}

static int sync_recorded(int fd, long call)
{
	struct stat meta;
	char path[PATH_MAX];
	if (!is_watched(fd, &meta, path))
		return syscall(call, fd);
	begin();
	int failed = syscall(call, fd);
	if (!failed)
		put(S_ISDIR(meta.st_mode) ? 'D' : 'S', meta.st_ino, 0, path, NULL, 0);
	end();
	return failed;
}

int fsync(int fd)
{
	return sync_recorded(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_recorded(fd, SYS_fdatasync);
}

int unlink(const char *path)
{
	if (!is_below(path))
		return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	begin();
	int failed = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	if (!failed)
		put('U', 0, 0, path, NULL, 0);
	end();
	return failed;
}

int rename(const char *from, const char *to)
{
	if (!is_below(from) && !is_below(to))
		return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	begin();
	int failed = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	if (!failed)
		put('R', 0, 0, from, to, strlen(to));
	end();
	return failed;
}

int mkdir(const char *path, mode_t mode)
{
	if (!is_below(path))
		return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	begin();
	int failed = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	if (!failed)
		put('M', 0, 0, path, NULL, 0);
	end();
	return failed;
}
