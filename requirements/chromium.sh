#!/bin/sh
# Gets a Chromium for the tests of the dashboard, from Debian's own packages, where it may: as root, with apt-get.
# It never fails, and takes no longer than twice LIMIT_S: where there is none, .tools/chromium/WHY says so, and the
# tests that need it are skipped with that sentence.
#
#     chromium.sh        get it, unless there is one
#     chromium.sh plan   only say (on standard output) what would be installed on this system; nothing where there is one
#
# HEADGATE_CHROMIUM names one that is elsewhere; HEADGATE_CHROMIUM=no leaves it out.
set -u
cd "$(dirname "$0")/.."

FOLDER=.tools/chromium
LIMIT_S=240

say() { printf 'headgate: %s\n' "$*" >&2; }

leave() {
    printf '%s\n' "$*" > "$FOLDER/WHY"
    say "tests with a browser will be skipped: $*"
    exit 0
}

bounded() { if command -v timeout >/dev/null; then timeout "$LIMIT_S" "$@"; else "$@"; fi; }

# Ubuntu's packages of this name hold a script that asks for a snap, which cannot be driven from outside.
is_stub() { readlink -f "$1" | grep -q '/snap$' || { [ "$(wc -c < "$1")" -lt 10000 ] && grep -q /snap/bin/ "$1"; }; }

here() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        path="$(command -v "$name")" && ! is_stub "$path" && return 0
    done
    return 1
}

# The version that apt would install, empty where it knows none.
candidate() { apt-cache policy chromium 2>/dev/null | sed -n 's/^ *Candidate: //p' | grep -v none; }

get() {
    DEBIAN_FRONTEND=noninteractive bounded apt-get install -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=60 "$@" chromium >/dev/null 2>&1
}

if [ "${1:-}" = plan ]; then
    if [ -z "${HEADGATE_CHROMIUM:-}" ] && ! here && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        echo "Chromium, a browser, for the tests of the dashboard (the package chromium, some 200 MB)"
    fi
    exit 0
fi
mkdir -p "$FOLDER"
rm -f "$FOLDER/WHY"
[ "${HEADGATE_CHROMIUM:-}" != no ] || leave "HEADGATE_CHROMIUM=no was set"
[ -z "${HEADGATE_CHROMIUM:-}" ] || exit 0
if here; then exit 0; fi
command -v apt-get >/dev/null || leave "there is no Chromium, and no apt-get to get one with"
[ "$(id -u)" = 0 ] || leave "there is no Chromium, and only root may install one: apt-get install chromium"
[ -n "$(candidate)" ] || bounded apt-get update -qq >/dev/null 2>&1
case "$(candidate)" in
    "") leave "apt knows no package chromium" ;;
    *snap*) leave "this system's Chromium is a snap, which cannot be driven from outside: name another by HEADGATE_CHROMIUM" ;;
esac
say "installing chromium with apt-get, for the tests of the dashboard"
get --download-only || leave "apt-get could not download chromium"
get || leave "apt-get could not install chromium"
here || leave "chromium was installed, and cannot be found"
