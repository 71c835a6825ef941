#!/bin/sh
# Sets Headgate up from its pinned requirements, on a machine that may have nothing but Python 3.11+ and make.
#
#     setup.sh venv   make .venv hold exactly requirements/dev.lock and this checkout; then write .venv/.ready
#     setup.sh uv     print the path of uv, getting it first where there is none
#
# Everything comes from the package index this machine is configured for, and is checked against the hashes in the locks.
# PYTHON=/path/to/python3 chooses the interpreter.
#
# As root it may install packages of the system with apt-get: Python's venv module where there is neither pip nor uv, and a
# browser for tests. It says so first, and asks where there is a terminal. HEADGATE_APT=no says no, HEADGATE_APT=yes yes;
# without a terminal nobody answers, and what was said is done. HEADGATE_CHROMIUM=no leaves out the browser alone.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'headgate: %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Before anything is done: a browser is asked about now, not some minutes later.
ask_for_browser() {
    wanted="$(sh requirements/chromium.sh plan)"
    [ -n "$wanted" ] || return 0
    sh requirements/consent.sh "$wanted" "HEADGATE_CHROMIUM=no leaves it out, and its tests are skipped" || export HEADGATE_CHROMIUM=no
}

new_enough='import sys; assert sys.version_info >= (3, 11)'

# Prints the path of a Python 3.11 or newer. Every candidate is run, for a name on PATH may be a shim of nothing.
find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if "$candidate" -c "$new_enough" 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    die "Headgate needs Python 3.11 or newer, but found ${PYTHON:-$(python3 --version 2>/dev/null || echo none)}." \
        "Install one (on Debian and Ubuntu: apt-get install python3), or name one: make PYTHON=/path/to/python3 ..."
}

# Installs the uv that requirements/uv.lock pins, with the given Python's pip, into .tools/uv.
pip_install_uv() {
    PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
        "$1" -m pip install --quiet --no-input --no-deps --only-binary :all: --require-hashes \
        --upgrade --target .tools/uv -r requirements/uv.lock >&2
}

# Debian and Ubuntu package the venv module's other half by itself.
apt_install_venv() {
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "this Python has neither pip nor venv, and there is no uv. Install one of them and run make again" \
            "(on Debian and Ubuntu: sudo apt-get install $package)."
    fi
    sh requirements/consent.sh "$package, for this Python has neither pip nor venv" "then install it, or uv, yourself" ||
        die "this Python has neither pip nor venv, and there is no uv: install $package, or uv, and run make again."
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$package"
    } >/dev/null || die "apt-get could not install $package. Install it, or uv, and run make again."
}

# Prints the path of uv: the one on PATH, else the pinned one, installed into .tools/uv by whatever this Python has.
find_uv() {
    if uv --version >/dev/null 2>&1; then command -v uv; return; fi
    pinned="$(sed -n 's/^uv==\([^ ;]*\).*/\1/p' requirements/uv.lock)"
    if .tools/uv/bin/uv --version 2>/dev/null | grep -q "^uv $pinned\b"; then echo "$PWD/.tools/uv/bin/uv"; return; fi
    python="$(find_python)"
    say "there is no uv on PATH: installing uv $pinned into .tools"
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install_venv "$python"
        "$python" -m venv .tools/venv || die "$python could not make a virtual environment in .tools/venv."
        python=.tools/venv/bin/python
    fi
    pip_install_uv "$python" || die "pip could not install uv $pinned: see its message above."
    echo "$PWD/.tools/uv/bin/uv"
}

# Is .venv a working environment that was made here? One that came along with a copied folder runs the original's code.
venv_is_ours() {
    [ "$(cat .venv/.place 2>/dev/null)" = "$PWD" ] && .venv/bin/python -c "$new_enough" 2>/dev/null
}

make_venv() {
    ask_for_browser
    uv="$(find_uv)"
    # uv brings certificates of its own; an organisation's are in the system's store.
    if [ -s /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"; fi
    # uv does not read pip's settings: where only pip was told of an index, so is uv.
    if [ -n "${PIP_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"; fi
    if ! venv_is_ours; then
        python="$(find_python)"
        say "making .venv with $("$python" --version) ($python)"
        rm -rf .venv
        UV_PYTHON_DOWNLOADS=never "$uv" venv --quiet --no-project --python "$python" .venv
        printf '%s\n' "$PWD" > .venv/.place
    fi
    say "installing $(grep -c '^[a-z].*==' requirements/dev.lock) pinned packages (at first this takes up to a few minutes)"
    "$uv" pip sync --quiet --python .venv/bin/python --only-binary :all: --require-hashes requirements/dev.lock
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --no-index --editable .
    .venv/bin/python requirements/assets.py
    sh requirements/debian.sh
    sh requirements/chromium.sh
    touch .venv/.ready
    say "ready"
}

# Two people, or two makes, may want the set-up of one checkout at once: one does it, the other finds it done.
make_venv_once() {
    mkdir -p .tools
    if command -v flock >/dev/null; then exec 9>.tools/lock; flock 9; fi
    if venv_is_ours && [ .venv/.ready -nt requirements/dev.lock ] && [ .venv/.ready -nt pyproject.toml ] &&
        [ .venv/.ready -nt requirements/assets.lock ]; then
        return
    fi
    make_venv
}

case "${1:-}" in
    uv) find_uv ;;
    venv) make_venv_once ;;
    *) die "usage: setup.sh venv | uv" ;;
esac
