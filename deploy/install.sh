#!/bin/sh
# Lays out shipper on a machine with systemd, as a Debian package would:
#
#   sudo deploy/install.sh dist/*.whl
#
# with the wheel of shipper, and that of the native engine where there is one.
#
#   /opt/shipper                          a virtual environment with the wheels in it
#   /usr/bin/shipper                      a link to its command
#   /etc/shipper/shipper.toml             yours: written once, and never again
#   /etc/shipper/environment              secrets, as SHIPPER_…=…; readable by root alone
#   /lib/systemd/system/shipper.*         the service and its socket
#   /usr/lib/sysusers.d, /usr/lib/sysctl.d
#   /usr/share/…                          completion for bash, zsh and fish
#
# May be run again, for an upgrade: `systemctl restart shipper` then loses nothing that the kernel's buffer has room for,
# since systemd keeps the socket. Keep shutdown_timeout_s small in a shipper.toml of your own.
# DESTDIR puts all of it below another folder and starts nothing; PYTHON names another interpreter.
set -eu

: "${1:?usage: deploy/install.sh WHEEL...}"
root=${DESTDIR:-}
here=$(dirname "$0")

install -d "$root/opt" "$root/usr/bin" "$root/etc" "$root/lib/systemd/system" "$root/usr/lib/sysusers.d" "$root/usr/lib/sysctl.d"
"${PYTHON:-python3}" -m venv "$root/opt/shipper"
"$root/opt/shipper/bin/python" -m pip install --quiet --upgrade "$@"
ln -sf /opt/shipper/bin/shipper "$root/usr/bin/shipper"

install -d -m 0755 "$root/etc/shipper"
test -e "$root/etc/shipper/shipper.toml" || install -m 0644 "$here/shipper.toml" "$root/etc/shipper/shipper.toml"
test -e "$root/etc/shipper/environment" || install -m 0600 /dev/null "$root/etc/shipper/environment"

complete() { # SHELL FILE
    install -d "$root/usr/share/$(dirname "$2")"
    _SHIPPER_COMPLETE="source_$1" "$root/opt/shipper/bin/shipper" > "$root/usr/share/$2"
    chmod 0644 "$root/usr/share/$2"
}
complete bash bash-completion/completions/shipper
complete zsh zsh/vendor-completions/_shipper
complete fish fish/vendor_completions.d/shipper.fish

install -m 0644 "$here/systemd/shipper.service" "$here/systemd/shipper.socket" "$root/lib/systemd/system/"
install -m 0644 "$here/systemd/shipper.sysusers" "$root/usr/lib/sysusers.d/shipper.conf"
install -m 0644 "$here/systemd/shipper.sysctl" "$root/usr/lib/sysctl.d/60-shipper.conf"

if [ -z "$root" ]; then
    systemd-sysusers shipper.conf
    sysctl --quiet --load /usr/lib/sysctl.d/60-shipper.conf
    systemctl daemon-reload
fi
cat << 'EOF'
Next: edit /etc/shipper/shipper.toml, and put secrets into /etc/shipper/environment. Then, with what the service may and sees:
as_shipper() {
    systemd-run --pipe --wait --quiet --uid=shipper -p StateDirectory=shipper -p EnvironmentFile=-/etc/shipper/environment \
        -p AmbientCapabilities=CAP_NET_BIND_SERVICE /usr/bin/shipper "$@" -c /etc/shipper/shipper.toml
}
as_shipper check
as_shipper setup
systemctl enable --now shipper.socket shipper.service
EOF
