#!/bin/sh
# Make a virtual environment for the course, or find that it is in order. It may be interrupted and repeated: the stamp
# that says "in order" is written last, and what is half made is made anew.
#
#     sh tools/setup_environment.sh [FOLDER [CONSTRAINTS [VERSIONS [REQUIREMENTS]]]]
#
# FOLDER is .venv by default. CONSTRAINTS is a file of exact versions, "" for none. VERSIONS are the Pythons that will
# do, the best first, "3.13 3.12 3.11" by default, of which the machine's own python3 is taken if it is one of them.
# REQUIREMENTS are the files of what is installed, "requirements.txt requirements-dev.txt" by default. The environment
# variable PYTHON names an interpreter to use instead. Everything pip listens to (PIP_INDEX_URL, ...) works as usual.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-.venv}
constraints=${2:-}
versions=${3:-3.13 3.12 3.11}
course="requirements.txt requirements-dev.txt"
requirements=${4:-$course}

say() { printf '%s\n' "$*"; }
trap 'say; say "Stopped. Run the same command again to go on."; exit 130' INT TERM

# An interpreter is believed only after it has run: a name on the PATH may be a shim that leads nowhere, and some
# systems ship Python without the parts that make environments.
fits() {
    "$1" - "$versions" >/dev/null 2>&1 <<'PYTHON'
import sys
import ensurepip, ssl, venv  # noqa: some systems leave these out
sys.exit("{}.{}".format(*sys.version_info[:2]) not in sys.argv[1].split())
PYTHON
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        if fits "$PYTHON"; then say "$PYTHON"; return 0; fi
        return 1
    fi
    if fits python3; then say python3; return 0; fi
    for version in $versions; do
        for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python \
            "/opt/homebrew/bin/python$version" "/usr/local/bin/python$version" "/usr/bin/python$version"; do
            if command -v "$candidate" >/dev/null 2>&1 && fits "$candidate"; then say "$candidate"; return 0; fi
        done
    done
    if fits python; then say python; return 0; fi
    return 1
}

# The stamp names what the environment was made from, so that a changed requirement is installed and nothing else is.
wanted=$(cat $requirements pyproject.toml ${constraints:+"$constraints"} | cksum)
wanted="$wanted $(pwd)/$folder"
if [ -f "$folder/.in-order" ] && [ "$(cat "$folder/.in-order")" = "$wanted" ] && "$folder/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

if [ -e "$folder" ] && [ ! -f "$folder/pyvenv.cfg" ] && [ -n "$(ls -A "$folder" 2>/dev/null)" ] \
    && [ ! -f "$folder/.being-made" ]; then
    say "$folder is there, but it is no virtual environment; move it away and run this again." >&2
    exit 1
fi
if ! { [ ! -f "$folder/.being-made" ] && fits "$folder/bin/python" && "$folder/bin/python" -m pip --version >/dev/null 2>&1; }; then
    if ! python=$(find_python); then
        say "No Python that fits was found: the environment in $folder needs one of $versions, with its venv module." >&2
        if [ -n "${PYTHON:-}" ]; then say "PYTHON=$PYTHON does not run, or is another version, or lacks venv." >&2; fi
        say "Install one from https://www.python.org/downloads/ (on Debian and Ubuntu: apt install python3 python3-venv)," >&2
        say "or name one: make course PYTHON=/path/to/python3, make test-addons ADDONS_PYTHON=/path/to/python3.11" >&2
        exit 1
    fi
    if [ -e "$folder" ]; then say "The environment in $folder is unfinished or broken; making it anew."; fi
    rm -rf "$folder"
    say "Making a virtual environment in $folder with $("$python" --version) ..."
    mkdir -p "$folder"
    if ! "$python" -m venv "$folder" >"$folder/.being-made" 2>&1; then
        cat "$folder/.being-made" >&2
        say "The virtual environment could not be made; the lines above say why. Nothing else was changed." >&2
        exit 1
    fi
fi

# From here to the stamp the mark stays: an installation that was cut short may hold half of a package.
rm -f "$folder/.in-order"
: >"$folder/.being-made"
if [ "$requirements" = "$course" ]; then
    say "Installing TensorFlow, Keras, JupyterLab and what else the course needs into $folder."
    say "The first time this loads about 700 MB and takes some minutes; after that it is quick."
else
    say "Installing what $requirements names into $folder. The first time this takes some minutes; after that it is quick."
fi
set --
for file in $requirements; do set -- "$@" -r "$file"; done
quiet=--quiet
if [ -t 1 ]; then quiet=; fi
if ! "$folder/bin/python" -m pip install $quiet --disable-pip-version-check ${constraints:+-c "$constraints"} "$@"; then
    say "Installing failed; pip's lines above say why. Without internet, name a mirror: PIP_INDEX_URL=... make course" >&2
    say "Run the same command again to go on; what is loaded already is not loaded twice." >&2
    exit 1
fi
rm -f "$folder/.being-made"
say "$wanted" >"$folder/.in-order"
say "The environment is in order."
