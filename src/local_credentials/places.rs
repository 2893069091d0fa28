//! Where tools keep credentials: one table, which the search, the guide and the tests share.
//!
//! A file that a variable names does not hide the usual one, which is this user's, too.

/// Where a tool keeps credentials.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The tool.
    pub tool: &'static str,
    files: &'static str,
    moved: &'static str,
}

impl Place {
    /// The usual files. `~/.config/x` and `~/.local/share/x` are also looked for below `$XDG_CONFIG_HOME` and
    /// `$XDG_DATA_HOME`; `*` stands for any part of one name, and then capitals do not matter.
    pub fn files(&self) -> impl Iterator<Item = &'static str> {
        listed(self.files)
    }

    /// The files where a variable moves them.
    pub fn moved(&self) -> impl Iterator<Item = &'static str> {
        listed(self.moved)
    }
}

fn listed(paths: &'static str) -> impl Iterator<Item = &'static str> {
    paths.split(", ").filter(|path| !path.is_empty())
}

/// A row: the tool, its files, and its files where a variable moves them.
const fn place(tool: &'static str, files: &'static str, moved: &'static str) -> Place {
    Place { tool, files, moved }
}

/// Every place but git's configuration, which has a reader of its own. The address above a row says where it is stated.
pub const PLACES: &[Place] = &[
    // https://cli.github.com/manual/gh_help_environment
    place(
        "GitHub CLI",
        "~/.config/gh/*.yml, ~/snap/*/*/.config/gh/*.yml, $APPDATA/GitHub CLI/*.yml, $AppData/GitHub CLI/*.yml",
        "$GH_CONFIG_DIR/*.yml",
    ),
    // https://hub.github.com/hub.1.html
    place("hub", "~/.config/hub", "$HUB_CONFIG"),
    // git-credential-store(1), "FILES"
    place("git-credential-store", "~/.git-credentials, ~/.config/git/credentials", ""),
    // https://github.com/git-ecosystem/git-credential-manager/blob/main/docs/credstores.md
    place(
        "Git Credential Manager, plain text",
        "~/.gcm/store/*/*/*/*.credential, ~/.gcm/store/*/*/*/*/*.credential",
        "$GCM_PLAINTEXT_STORE_PATH/*/*/*/*.credential",
    ),
    // curl(1), "--netrc"; https://www.gnu.org/software/emacs/manual/html_node/auth/
    place("netrc, authinfo", "~/.netrc, ~/_netrc, ~/.authinfo", "$NETRC"),
    // https://git-machete.readthedocs.io, "git machete github"
    place("git-machete", "~/.github-token", ""),
    // https://goreleaser.com/scm/github/
    place("GoReleaser", "~/.config/goreleaser/github_token", ""),
    // https://docs.npmjs.com/cli/configuring-npm/npmrc
    place(
        "npm",
        "~/.npmrc, /etc/npmrc, /usr/etc/npmrc, /usr/local/etc/npmrc, $RUNNER_TEMP/.npmrc",
        "$NPM_CONFIG_USERCONFIG, $npm_config_userconfig, $NPM_CONFIG_GLOBALCONFIG, \
         $npm_config_globalconfig",
    ),
    // https://yarnpkg.com/configuration/yarnrc, https://classic.yarnpkg.com/en/docs/yarnrc
    place("Yarn", "~/.yarnrc.yml, ~/.yarnrc", "$YARN_RC_FILENAME"),
    // https://pnpm.io/npmrc
    place(
        "pnpm",
        "~/.config/pnpm/rc, ~/.config/pnpm/auth.ini, ~/Library/Preferences/pnpm/rc, \
         $LOCALAPPDATA/pnpm/config/rc",
        "",
    ),
    // https://bun.sh/docs/runtime/bunfig
    place("Bun", "~/.bunfig.toml, ~/.config/.bunfig.toml", ""),
    // https://maven.apache.org/settings.html
    place(
        "Maven",
        "~/.m2/settings.xml, ~/.m2/settings-security.xml, ~/.mavenrc",
        "$MAVEN_HOME/conf/settings.xml, $M2_HOME/conf/settings.xml",
    ),
    // https://docs.gradle.org/current/userguide/build_environment.html
    place(
        "Gradle",
        "~/.gradle/gradle.properties, ~/.gradle/init.gradle, ~/.gradle/init.gradle.kts, \
         ~/.gradle/init.d/*",
        "$GRADLE_USER_HOME/gradle.properties, $GRADLE_USER_HOME/init.d/*",
    ),
    // https://www.scala-sbt.org/1.x/docs/Publishing.html, https://get-coursier.io/docs/other-credentials
    place(
        "sbt, Ivy, Coursier",
        "~/.sbt/.credentials, ~/.sbt/*.credentials, ~/.ivy2/.credentials, \
         ~/.config/coursier/credentials.properties",
        "$COURSIER_CREDENTIALS",
    ),
    // https://guides.rubygems.org/command-reference/
    place("RubyGems", "~/.gem/credentials, ~/.local/share/gem/credentials, ~/.gemrc", "$GEMRC"),
    // https://bundler.io/man/bundle-config.1.html
    place(
        "Bundler",
        "~/.bundle/config",
        "$BUNDLE_USER_CONFIG, $BUNDLE_USER_HOME/config, $BUNDLE_APP_CONFIG/config",
    ),
    // https://learn.microsoft.com/nuget/consume-packages/configuring-nuget-behavior
    place(
        "NuGet",
        "~/.nuget/NuGet/*.config, ~/.nuget/config/*.config, ~/.config/NuGet/*.config, \
         ~/.config/NuGet/config/*.config, $APPDATA/NuGet/*.config, /etc/opt/NuGet/Config/*.config",
        "$NUGET_COMMON_APPLICATION_DATA/NuGet/Config/*.config",
    ),
    // https://getcomposer.org/doc/articles/authentication-for-private-packages.md
    place(
        "Composer",
        "~/.config/composer/auth.json, ~/.config/composer/config.json, ~/.composer/auth.json, \
         ~/.composer/config.json, $APPDATA/Composer/auth.json",
        "$COMPOSER_HOME/auth.json, $COMPOSER_HOME/config.json",
    ),
    // https://pip.pypa.io/en/stable/topics/configuration/, https://packaging.python.org/specifications/pypirc/
    place(
        "pip, twine",
        "~/.config/pip/pip.conf, ~/.pip/pip.conf, ~/pip/pip.ini, \
         ~/Library/Application Support/pip/pip.conf, $APPDATA/pip/pip.ini, /etc/pip.conf, ~/.pypirc",
        "$PIP_CONFIG_FILE, $VIRTUAL_ENV/pip.conf",
    ),
    // https://python-poetry.org/docs/configuration/, https://docs.astral.sh/uv/concepts/configuration-files/
    place(
        "Poetry, uv, conda",
        "~/.config/pypoetry/*.toml, ~/Library/Application Support/pypoetry/*.toml, \
         $APPDATA/pypoetry/*.toml, ~/.config/uv/uv.toml, ~/.local/share/uv/credentials/*.toml, ~/.condarc",
        "$POETRY_CONFIG_DIR/*.toml, $UV_CONFIG_FILE, $UV_CREDENTIALS_DIR/*.toml, $CONDARC",
    ),
    // https://doc.rust-lang.org/cargo/reference/config.html
    place(
        "Cargo",
        "~/.cargo/credentials.toml, ~/.cargo/credentials, ~/.cargo/config.toml, ~/.cargo/config",
        "$CARGO_HOME/credentials.toml, $CARGO_HOME/credentials, $CARGO_HOME/config.toml, \
         $CARGO_HOME/config",
    ),
    // https://pkg.go.dev/cmd/go#hdr-Environment_variables
    place("Go", "~/.config/go/env, ~/Library/Application Support/go/env", "$GOENV"),
    // https://docs.brew.sh/Manpage
    place("Homebrew", "~/.homebrew/brew.env, ~/.config/homebrew/brew.env", ""),
    // https://nix.dev/manual/nix/latest/command-ref/conf-file
    place("Nix", "~/.config/nix/nix.conf, /etc/nix/nix.conf, /etc/nix/netrc", "$NIX_CONF_DIR/nix.conf"),
    // https://mise.jdx.dev/configuration.html
    place("mise", "~/.config/mise/*.toml", "$MISE_GLOBAL_CONFIG_FILE"),
    // https://docs.docker.com/reference/cli/docker/#configuration-files
    place("Docker", "~/.docker/config.json, ~/.dockercfg", "$DOCKER_CONFIG/config.json"),
    // containers-auth.json(5), https://apptainer.org/docs/user/latest/
    place(
        "Podman, Buildah, Skopeo, Apptainer",
        "~/.config/containers/auth.json, ~/.apptainer/docker-config.json, \
         ~/.singularity/docker-config.json",
        "$REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json",
    ),
    // https://helm.sh/docs/helm/helm/
    place(
        "Helm",
        "~/.config/helm/repositories.yaml, ~/.config/helm/registry/config.json, \
         ~/Library/Preferences/helm/repositories.yaml, ~/Library/Preferences/helm/registry/config.json",
        "$HELM_REPOSITORY_CONFIG, $HELM_REGISTRY_CONFIG, $HELM_CONFIG_HOME/repositories.yaml",
    ),
    // https://developer.hashicorp.com/terraform/cli/config/config-file,
    // https://opentofu.org/docs/cli/config/config-file/
    place(
        "Terraform, OpenTofu",
        "~/.terraformrc, ~/.tofurc, ~/.terraform.d/*.tfrc.json, ~/.terraform.d/*.tfrc, \
         ~/.config/opentofu/*, $APPDATA/terraform.rc, $APPDATA/terraform.d/*.tfrc.json",
        "$TF_CLI_CONFIG_FILE",
    ),
    // https://www.pulumi.com/docs/iac/cli/environment-variables/,
    // https://docs.ansible.com/ansible/latest/reference_appendices/config.html
    place(
        "Pulumi, Ansible Galaxy",
        "~/.pulumi/credentials.json, ~/.ansible/galaxy_token, ~/.ansible.cfg",
        "$PULUMI_HOME/credentials.json, $ANSIBLE_GALAXY_TOKEN_PATH, $ANSIBLE_CONFIG",
    ),
    // https://github.com/actions/checkout (from version 6 on), https://nektosact.com/usage/
    place("GitHub Actions' checkout", "$RUNNER_TEMP/git-credentials-*.config", ""),
    place("act", "~/.actrc, ~/.config/act/actrc, ~/.secrets, ./.actrc, ./.secrets", ""),
    // https://systemd.io/CREDENTIALS/, https://docs.docker.com/engine/swarm/secrets/
    place(
        "systemd, Docker secrets",
        "/run/secrets/*",
        "$CREDENTIALS_DIRECTORY/*, $GITHUB_TOKEN_FILE, $GH_TOKEN_FILE",
    ),
    // https://docs.github.com/en/copilot/concepts/agents/about-copilot-cli
    place(
        "GitHub Copilot",
        "~/.config/github-copilot/*.json, ~/.config/github-copilot/*/*.json, \
         $LOCALAPPDATA/github-copilot/*.json, ~/.copilot/*.json",
        "$COPILOT_HOME/*.json",
    ),
    // https://modelcontextprotocol.io/docs/develop/connect-local-servers
    place(
        "Claude Desktop",
        "~/.config/Claude/claude_desktop_config.json, \
         ~/Library/Application Support/Claude/claude_desktop_config.json, \
         $APPDATA/Claude/claude_desktop_config.json",
        "",
    ),
    // https://code.claude.com/docs/en/settings
    place(
        "Claude Code",
        "~/.claude.json, ~/.claude/*.json",
        "$CLAUDE_CONFIG_DIR/.claude.json, $CLAUDE_CONFIG_DIR/*.json",
    ),
    // https://code.visualstudio.com/docs/copilot/customization/mcp-servers;
    // Cursor, VSCodium and Windsurf are made like it
    place(
        "VS Code and editors like it",
        "~/.config/*/User/mcp.json, ~/.config/*/User/settings.json, \
         ~/.config/*/User/profiles/*/mcp.json, ~/.config/*/User/globalStorage/*/settings/*.json, \
         ~/Library/Application Support/*/User/mcp.json, \
         ~/Library/Application Support/*/User/settings.json, \
         ~/Library/Application Support/*/User/globalStorage/*/settings/*.json, $APPDATA/*/User/mcp.json, \
         $APPDATA/*/User/settings.json, $APPDATA/*/User/globalStorage/*/settings/*.json, \
         ~/.var/app/*/config/*/User/mcp.json, ~/.vscode/mcp.json, \
         ~/.vscode-server/data/User/mcp.json, ~/.vscode-server/data/Machine/*.json",
        "",
    ),
    // https://cursor.com/docs/context/mcp, https://docs.windsurf.com/windsurf/cascade/mcp
    place(
        "Cursor, Windsurf",
        "~/.cursor/mcp.json, ~/.codeium/windsurf/mcp_config.json, ~/.codeium/mcp_config.json, \
         ~/.codeium/windsurf-next/mcp_config.json",
        "",
    ),
    // https://developers.openai.com/codex/mcp
    place(
        "Codex",
        "~/.codex/config.toml, ~/.codex/auth.json, ~/.codex/.env",
        "$CODEX_HOME/config.toml, $CODEX_HOME/auth.json, $CODEX_HOME/.env",
    ),
    // https://geminicli.com/docs/reference/configuration/
    place(
        "Gemini CLI, Antigravity, Qwen Code",
        "~/.gemini/settings.json, ~/.gemini/.env, ~/.gemini/antigravity/mcp_config.json, \
         ~/.qwen/settings.json",
        "",
    ),
    // https://docs.aws.amazon.com/amazonq/latest/qdeveloper-ug/command-line-mcp-config-CLI.html,
    // https://kiro.dev/docs/mcp/configuration/
    place(
        "Amazon Q, Kiro",
        "~/.aws/amazonq/*.json, ~/.aws/amazonq/cli-agents/*.json, ~/.kiro/settings/mcp.json",
        "",
    ),
    // https://opencode.ai/docs/config/, https://block.github.io/goose/docs/guides/config-files/,
    // https://zed.dev/docs/ai/mcp
    place(
        "opencode, Goose, Crush, Amp, Zed",
        "~/.config/opencode/*.json, ~/.config/opencode/*.jsonc, ~/.local/share/opencode/*.json, \
         ~/.config/goose/*.yaml, ~/.config/crush/*.json, ~/.config/amp/*.json, \
         ~/.config/zed/settings.json",
        "$OPENCODE_CONFIG",
    ),
    // https://docs.continue.dev/reference, https://aider.chat/docs/config.html, https://www.jetbrains.com/help/junie/
    place(
        "Continue, aider, Junie, LM Studio",
        "~/.continue/config.*, ~/.continue/.env, ~/.continue/mcpServers/*, ~/.aider.conf.yml, \
         ~/.junie/mcp/mcp.json, ~/.lmstudio/mcp.json",
        "",
    ),
    // bash(1), "FILES"; zsh's STARTUP/SHUTDOWN FILES; https://fishshell.com/docs/current/language.html#configuration
    place(
        "Shells",
        "~/.bashrc, ~/.bash_profile, ~/.bash_login, ~/.bash_aliases, ~/.profile, ~/.zshrc, ~/.zshenv, \
         ~/.zprofile, ~/.zlogin, ~/.config/fish/config.fish, ~/.config/fish/fish_variables, \
         ~/.config/fish/conf.d/*.fish, ~/.kshrc, ~/.cshrc, ~/.tcshrc, ~/.login, ~/.xprofile, \
         ~/.config/nushell/*.nu, ~/.config/powershell/*.ps1, ~/Documents/PowerShell/*.ps1, \
         ~/Documents/WindowsPowerShell/*.ps1",
        "$ZDOTDIR/.zshrc, $ZDOTDIR/.zshenv, $ZDOTDIR/.zprofile, $ZDOTDIR/.zlogin, $BASH_ENV, $ENV",
    ),
    // https://direnv.net/man/direnv.1.html, environment.d(5), pam_env(7)
    place(
        "Environment files",
        "~/.envrc, ~/.env, ~/.direnvrc, ~/.config/direnv/direnvrc, ~/.config/environment.d/*.conf, \
         ~/.pam_environment, ~/.ssh/environment, /etc/environment",
        "",
    ),
];
