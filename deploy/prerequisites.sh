#!/usr/bin/env bash
# Installs what `make test` and `make demo` need beside Python packages: HAProxy, Maven, a JDK, libzstd, openssl, npm, Chromium, Python's venv.
# As root on Debian or Ubuntu it installs what is missing; otherwise it says what to install, and make goes on:
# the tests that lack something say so themselves.
set -euo pipefail

PATH="$PATH:/usr/sbin:/usr/local/sbin"

missing=()
command -v haproxy >/dev/null || missing+=(haproxy)
command -v openssl >/dev/null || missing+=(openssl)
command -v npm >/dev/null || missing+=(npm)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    missing+=(chromium)
command -v mvn >/dev/null || missing+=(maven)
command -v javac >/dev/null || compgen -G '/usr/lib/jvm/*/bin/javac' >/dev/null || [[ -x "${JAVA_HOME:-}/bin/javac" ]] ||
    missing+=(openjdk-17-jdk-headless)
compgen -G '/usr/lib*/libzstd.so.1' >/dev/null || compgen -G '/usr/lib/*/libzstd.so.1' >/dev/null || missing+=(libzstd1)
[[ -x .venv/bin/python ]] || python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)

if ((${#missing[@]} == 0)); then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "missing, please install (names as in Debian): ${missing[*]}" >&2
elif ((EUID != 0)); then
    echo "missing, please install: sudo apt-get install ${missing[*]}" >&2
else
    echo "installing ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >&2 || echo "apt-get update failed; trying with the lists that are there" >&2
    # Newer releases have no JDK 17; any later one will do.
    apt-cache show openjdk-17-jdk-headless >/dev/null 2>&1 ||
        missing=("${missing[@]/openjdk-17-jdk-headless/default-jdk-headless}")
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2 ||
        echo "could not install ${missing[*]}; what needs them will say so" >&2
fi
