#!/bin/sh
# Says what set-up is about to install on this system as root, and how to say no; asks where somebody is there to answer.
# Ends with 0 where it may go on, and with 1 where it may not.
#
#     consent.sh WHAT HOW-ELSE-TO-SAY-NO
#
# HEADGATE_APT=yes and HEADGATE_APT=no answer before the question. Without a terminal, or with CI set, nobody answers, and
# what was said is done.
set -u

say() { printf 'headgate: %s\n' "$*" >&2; }

say "as root, this installs on your system, with apt-get: $1"
say "  HEADGATE_APT=no: install nothing there; or: $2"
case "${HEADGATE_APT:-}" in
    no) say "HEADGATE_APT=no was set: it is not installed"; exit 1 ;;
    yes) exit 0 ;;
esac
if [ -n "${CI:-}" ] || ! [ -t 2 ] || ! { : < /dev/tty; } 2>/dev/null; then
    say "nobody is there to be asked: going on"
    exit 0
fi
printf 'headgate: install it? [Y/n] ' >&2
read -r answer < /dev/tty || answer=n
case "$answer" in
    [nN]*) exit 1 ;;
esac
