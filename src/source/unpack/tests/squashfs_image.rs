//! A writer of `SquashFS` images.

use std::io::Write as _;

use super::pack::{self, Packer};

/// What an image holds, by name.
pub(super) enum Node<'n> {
    Directory(Vec<(&'n str, Node<'n>)>),
    File(&'n [u8]),
    Link(&'n str),
    Pipe,
}

/// How an image is written.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each way to keep things may be taken or not")]
pub(super) struct Options {
    /// The number of the compressor, and what compresses as it does.
    pub(super) codec: (u16, Packer),
    pub(super) block: usize,
    /// Whether the ends of files share blocks, and whether those are compressed, and metadata is.
    pub(super) fragments: bool,
    pub(super) compress_data: bool,
    pub(super) compress_metadata: bool,
    /// Whether inodes are of the long types.
    pub(super) long: bool,
}

impl Options {
    pub(super) fn usual() -> Self {
        Options {
            codec: CODECS[0],
            block: 4096,
            fragments: true,
            compress_data: true,
            compress_metadata: true,
            long: false,
        }
    }
}

/// Every compressor.
pub(super) const CODECS: [(u16, Packer); 6] =
    [(1, zlib), (2, pack::lzma), (3, lzo), (4, pack::xz), (5, lz4_flex::block::compress), (6, pack::zstd)];

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

/// One run of plain bytes, and the end; but a run of the last byte is a copy.
fn lzo(bytes: &[u8]) -> Vec<u8> {
    let last = bytes.last().copied().unwrap_or(0);
    let same = bytes.iter().rev().take_while(|byte| **byte == last).count().saturating_sub(1);
    let (plain, copies) = if same > 40 { (&bytes[..bytes.len() - same], same) } else { (bytes, 0) };
    let length = |out: &mut Vec<u8>, mut over: usize| {
        while over > 255 {
            out.push(0);
            over -= 255;
        }
        out.push(u8::try_from(over).expect("small"));
    };
    let mut out = Vec::new();
    if plain.len() <= 238 {
        out.push(17 + u8::try_from(plain.len()).expect("small"));
    } else {
        out.push(0);
        length(&mut out, plain.len() - 18);
    }
    out.extend_from_slice(plain);
    if copies > 0 {
        out.push(0x20);
        length(&mut out, copies - 33);
        out.extend_from_slice(&[0, 0]);
    }
    out.extend_from_slice(&[0x11, 0, 0]);
    out
}

/// A table of metadata that is being written.
#[derive(Default)]
struct Metadata {
    written: Vec<u8>,
    current: Vec<u8>,
}

struct Writer {
    options: Options,
    out: Vec<u8>,
    fragment: Vec<u8>,
    fragments: Vec<u8>,
    inodes: Metadata,
    directories: Metadata,
    count: u32,
}

impl Writer {
    fn pack(&self, bytes: &[u8], compress: bool) -> (Vec<u8>, bool) {
        let packed = if compress { (self.options.codec.1)(bytes) } else { bytes.to_vec() };
        if packed.len() < bytes.len() { (packed, false) } else { (bytes.to_vec(), true) }
    }

    fn metadata_block(&self, bytes: &[u8]) -> Vec<u8> {
        let (packed, stored) = self.pack(bytes, self.options.compress_metadata);
        let header = u16::try_from(packed.len()).expect("small") | if stored { 0x8000 } else { 0 };
        [&header.to_le_bytes(), packed.as_slice()].concat()
    }

    fn append(&mut self, is_inode: bool, bytes: &[u8]) -> u64 {
        let mut table = std::mem::take(if is_inode { &mut self.inodes } else { &mut self.directories });
        let at = (table.written.len() as u64) << 16 | table.current.len() as u64;
        table.current.extend_from_slice(bytes);
        while table.current.len() >= 8192 {
            let block: Vec<u8> = table.current.drain(..8192).collect();
            table.written.extend(self.metadata_block(&block));
        }
        *(if is_inode { &mut self.inodes } else { &mut self.directories }) = table;
        at
    }

    fn data_block(&mut self, bytes: &[u8]) -> u32 {
        if bytes.iter().all(|byte| *byte == 0) {
            return 0;
        }
        let (packed, stored) = self.pack(bytes, self.options.compress_data);
        self.out.extend_from_slice(&packed);
        n32(packed.len()) | if stored { 1 << 24 } else { 0 }
    }

    fn flush_fragment(&mut self) {
        let fragment = std::mem::take(&mut self.fragment);
        if !fragment.is_empty() {
            let at = self.out.len() as u64;
            let len = self.data_block(&fragment);
            self.fragments.extend([&at.to_le_bytes()[..], &len.to_le_bytes(), &[0; 4]].concat());
        }
    }

    fn inode(&mut self, kind: u16, fields: &[u8]) -> u64 {
        self.count += 1;
        let mut inode = vec![0; 16];
        inode[..2].copy_from_slice(&kind.to_le_bytes());
        inode.extend_from_slice(fields);
        self.append(true, &inode)
    }

    fn file(&mut self, bytes: &[u8]) -> u64 {
        let at = self.out.len();
        let (whole, end) = bytes.split_at(bytes.len() / self.options.block * self.options.block);
        let share = self.options.fragments && !end.is_empty();
        let blocks = if share { whole } else { bytes };
        let lengths: Vec<u8> = blocks
            .chunks(self.options.block)
            .flat_map(|block| self.data_block(block).to_le_bytes())
            .collect();
        let mut fragment = [u32::MAX, 0];
        if share {
            if self.fragment.len() + end.len() > self.options.block {
                self.flush_fragment();
            }
            fragment = [n32(self.fragments.len() / 16), n32(self.fragment.len())];
            self.fragment.extend_from_slice(end);
        }
        let fragment: Vec<u8> = fragment.into_iter().flat_map(u32::to_le_bytes).collect();
        let size = bytes.len() as u64;
        if self.options.long {
            let start = [(at as u64).to_le_bytes(), size.to_le_bytes(), [0; 8]].concat();
            let fields = [&start[..], &[1, 0, 0, 0], &fragment, &[0xff; 4], &lengths].concat();
            return self.inode(9, &fields);
        }
        let fields =
            [&n32(at).to_le_bytes()[..], &fragment, &n32(bytes.len()).to_le_bytes(), &lengths].concat();
        self.inode(2, &fields)
    }

    fn node(&mut self, node: &Node<'_>) -> u64 {
        match node {
            Node::File(bytes) => self.file(bytes),
            Node::Link(target) => {
                let fields =
                    [&[1, 0, 0, 0], &n32(target.len()).to_le_bytes()[..], target.as_bytes()].concat();
                self.inode(if self.options.long { 10 } else { 3 }, &fields)
            }
            Node::Pipe => self.inode(6, &[1, 0, 0, 0]),
            Node::Directory(nodes) => {
                let mut listing = Vec::new();
                for (name, node) in nodes {
                    let inode = self.node(node);
                    listing.extend_from_slice(&[0; 4]);
                    listing
                        .extend_from_slice(&n32(usize::try_from(inode >> 16).expect("small")).to_le_bytes());
                    listing.extend_from_slice(&[0; 4]);
                    listing.extend_from_slice(&inode.to_le_bytes()[..2]);
                    listing.extend_from_slice(&[0; 4]);
                    listing.extend_from_slice(&u16::try_from(name.len() - 1).expect("short").to_le_bytes());
                    listing.extend_from_slice(name.as_bytes());
                }
                self.directory(&listing)
            }
        }
    }

    fn directory(&mut self, listing: &[u8]) -> u64 {
        let at = self.append(false, listing);
        let block = n32(usize::try_from(at >> 16).expect("small")).to_le_bytes();
        let (within, size) = (&at.to_le_bytes()[..2], n32(listing.len() + 3).to_le_bytes());
        if self.options.long {
            let fields = [&[1, 0, 0, 0], &size[..], &block, &[0; 4], &[0; 2], within, &[0xff; 4]].concat();
            return self.inode(8, &fields);
        }
        let fields = [&block[..], &[2, 0, 0, 0], &size[..2], within, &[0; 4]].concat();
        self.inode(1, &fields)
    }

    fn finish_table(&mut self, is_inode: bool) -> u64 {
        let table = std::mem::take(if is_inode { &mut self.inodes } else { &mut self.directories });
        let at = self.out.len() as u64;
        self.out.extend(table.written);
        if !table.current.is_empty() {
            let block = self.metadata_block(&table.current);
            self.out.extend(block);
        }
        at
    }
}

fn n32(number: usize) -> u32 {
    u32::try_from(number).expect("small")
}

/// An image of these nodes, with an extended attribute.
pub(super) fn squashfs(nodes: Vec<(&str, Node<'_>)>, attribute: &[u8], options: Options) -> Vec<u8> {
    let mut writer = Writer {
        options,
        out: vec![0; 96],
        fragment: Vec::new(),
        fragments: Vec::new(),
        inodes: Metadata::default(),
        directories: Metadata::default(),
        count: 0,
    };
    let root = writer.node(&Node::Directory(nodes));
    writer.flush_fragment();
    let (inodes, directories) = (writer.finish_table(true), writer.finish_table(false));
    let fragments = std::mem::take(&mut writer.fragments);
    let blocks: Vec<u64> = fragments
        .chunks(8192)
        .map(|block| {
            let at = writer.out.len() as u64;
            let block = writer.metadata_block(block);
            writer.out.extend(block);
            at
        })
        .collect();
    let fragments_at = writer.out.len() as u64;
    writer.out.extend(blocks.into_iter().flat_map(u64::to_le_bytes));
    let attributes = writer.out.len() as u64;
    let block = writer.metadata_block(attribute);
    writer.out.extend(block);
    let ids = writer.out.len() as u64;
    let block = writer.metadata_block(&[0; 16]);
    writer.out.extend(block);
    let attributes_at = writer.out.len() as u64;
    writer
        .out
        .extend([&attributes.to_le_bytes()[..], &[1, 0, 0, 0, 0, 0, 0, 0], &ids.to_le_bytes()].concat());
    let mut out = writer.out;
    let len = out.len() as u64;
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"hsqs");
    put(4, &writer.count.to_le_bytes());
    put(12, &n32(options.block).to_le_bytes());
    put(16, &n32(fragments.len() / 16).to_le_bytes());
    put(20, &options.codec.0.to_le_bytes());
    put(22, &u16::try_from(options.block.ilog2()).expect("small").to_le_bytes());
    put(28, &[4, 0, 0, 0]);
    for (at, number) in
        [(32, root), (40, len), (56, attributes_at), (64, inodes), (72, directories), (80, fragments_at)]
    {
        put(at, &number.to_le_bytes());
    }
    out
}
