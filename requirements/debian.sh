#!/bin/sh
# Puts servers that the tests talk to into .tools/debian, from Debian's (or Ubuntu's) own packages, checked by apt.
# Nothing is installed or started, no root is needed, and it never fails: where a server cannot be had,
# .tools/debian/WHY says so, and the tests that need it are skipped with that sentence.
#
#     debian.sh   get what is missing
#
# HEADGATE_SERVERS=no leaves it all out.
set -u
cd "$(dirname "$0")/.."

PACKAGES="prometheus prometheus-alertmanager influxdb"
FOLDER=.tools/debian
LIMIT_S=120

say() { printf 'headgate: %s\n' "$*" >&2; }

leave() {
    printf '%s\n' "$*" > "$FOLDER/WHY"
    say "tests against real servers will be skipped: $*"
    exit 0
}

missing() {
    for package in $PACKAGES; do
        [ -e "$FOLDER/$package/.complete" ] || printf '%s ' "$package"
    done
}

bounded() { if command -v timeout >/dev/null; then timeout "$LIMIT_S" "$@"; else "$@"; fi; }

# The lists of packages may be missing, as in a fresh container; only root may fetch them.
know_packages() {
    if apt-cache show $1 >/dev/null 2>&1; then return 0; fi
    [ "$(id -u)" = 0 ] || return 1
    bounded apt-get update -qq >/dev/null 2>&1
    apt-cache show $1 >/dev/null 2>&1
}

fetch() {
    scratch="$FOLDER/$1.new"
    rm -rf "$scratch" "${FOLDER:?}/$1"
    mkdir -p "$scratch/deb" || return 1
    (cd "$scratch/deb" && bounded apt-get download -qq -o APT::Sandbox::User=root "$1" >/dev/null 2>&1) || return 1
    for archive in "$scratch"/deb/*.deb; do
        dpkg-deb --extract "$archive" "$scratch" || return 1
    done
    rm -rf "$scratch/deb"
    touch "$scratch/.complete"
    mv "$scratch" "$FOLDER/$1"
}

# PHP's command line, under the name that it has in this release. Without it only its own test is skipped.
fetch_php() {
    for known in "$FOLDER"/php*-cli/.complete; do [ -e "$known" ] && return 0; done
    know_packages php-cli || return 0
    php="$(apt-cache depends php-cli 2>/dev/null | sed -n 's/^ *Depends: \(php[0-9.]*-cli\)$/\1/p' | head -n 1)"
    [ -n "$php" ] || return 0
    say "getting $php into $FOLDER, for tests"
    fetch "$php" || say "apt-get could not download $php: its test will be skipped"
}

mkdir -p "$FOLDER"
rm -f "$FOLDER/WHY"
[ "${HEADGATE_SERVERS:-}" != no ] || leave "HEADGATE_SERVERS=no was set"
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || leave "this system has no apt-get and dpkg-deb"
fetch_php
[ -n "$(missing)" ] || exit 0
for package in $(missing); do
    know_packages "$package" || leave "apt knows no package $package (its lists may be missing: apt-get update)"
    say "getting $package into $FOLDER, for tests"
    fetch "$package" || leave "apt-get could not download $package"
done
