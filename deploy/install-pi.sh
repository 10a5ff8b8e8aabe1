#!/usr/bin/env bash
# Installs smartselfie as a service on Raspberry Pi OS Trixie (64 bit), or brings an installation up to date.
#
#   sudo deploy/install-pi.sh               install, or upgrade to the present state; settings and pictures stay
#   sudo deploy/install-pi.sh --rollback    back to what was there before the last upgrade; once more: forth again
#   sudo deploy/install-pi.sh --uninstall   take it away; settings and pictures stay
#   deploy/install-pi.sh --dry-run          only say what would be done (with the others too)
set -euo pipefail

readonly HOME_DIR=/opt/smartselfie
readonly PREVIOUS=$HOME_DIR.previous
readonly STATE_DIR=/var/lib/smartselfie
readonly UNIT=/etc/systemd/system/smartselfie.service
readonly LINK=/usr/local/bin/smartselfie
readonly SERVICE_USER=smartselfie
# libgl1 and glib: OpenCV's; picamera2: the camera module; lgpio: the pins
readonly PACKAGES=(python3-venv python3-picamera2 python3-lgpio libgl1 libglib2.0-0t64)
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
readonly SOURCE

dry_run=false
uninstall=false
rollback=false
workshop=

say() { printf '%s\n' "$*"; }
fail() { printf 'install-pi.sh: %s\n' "$*" >&2; exit "${2:-1}"; }

# Says what is done, and does it unless this is a dry run.
run() {
    say "  $*"
    $dry_run || "$@"
}

usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }

for word in "$@"; do
    case $word in
        --dry-run) dry_run=true ;;
        --uninstall) uninstall=true ;;
        --rollback) rollback=true ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done

check_machine() {
    local codename architecture
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release 2>/dev/null && printf '%s' "${VERSION_CODENAME:-unknown}") || codename=unknown
    architecture=$(uname -m)
    if [ "$codename" = trixie ] && [ "$architecture" = aarch64 ]; then
        return
    fi
    local what="this is $codename on $architecture, not Raspberry Pi OS Trixie on aarch64"
    if $dry_run; then
        say "note: $what; on this machine the installation would stop here"
    else
        fail "$what: older releases' picamera2 needs NumPy 1, and 32 bit has no wheels of OpenCV and LiteRT"
    fi
}

check_root() {
    if ! $dry_run && [ "$(id -u)" -ne 0 ]; then
        fail "run it as root: sudo $0 $*"
    fi
}

# Those of the packages that are not installed yet.
missing_packages() {
    local package
    for package in "${PACKAGES[@]}"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            printf '%s\n' "$package"
    done
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    if [ ${#missing[@]} -eq 0 ]; then
        say "System packages: all there"
        return
    fi
    say "System packages:"
    run apt-get update -qq
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

make_user() {
    say "User $SERVICE_USER, in the groups of cameras and pins:"
    if ! id "$SERVICE_USER" >/dev/null 2>&1; then
        run useradd --system --user-group --home-dir "$STATE_DIR" --no-create-home --shell /usr/sbin/nologin \
            "$SERVICE_USER"
    fi
    local group
    for group in video render gpio; do
        if getent group "$group" >/dev/null; then
            run usermod --append --groups "$group" "$SERVICE_USER"
        fi
    done
}

# What is built from: without what earlier builds left, so that a module that was deleted stays deleted.
copy_source() {
    tar --create --directory "$SOURCE" --exclude=./.git --exclude='./.venv*' --exclude=./build --exclude=./dist \
        --exclude='./*.egg-info' --exclude='__pycache__' --exclude=./images_clicked . |
        tar --extract --no-same-owner --directory "$1"
}

install_program() {
    say "Program in $HOME_DIR, with the system's picamera2, built in a copy so that the clone stays clean:"
    if [ -x "$HOME_DIR/bin/python" ]; then
        run rm -rf "$PREVIOUS"
        run cp --archive "$HOME_DIR" "$PREVIOUS"
    else
        run python3 -m venv --system-site-packages "$HOME_DIR"
    fi
    if $dry_run; then
        workshop=/tmp/smartselfie-build
    else
        workshop=$(mktemp --directory /tmp/smartselfie-build.XXXXXX)
        trap 'rm -rf "$workshop"' EXIT
    fi
    run copy_source "$workshop"
    run "$HOME_DIR/bin/python" -m pip install --quiet --upgrade --force-reinstall --no-deps "$workshop"
    run "$HOME_DIR/bin/python" -m pip install --quiet "${workshop}[web,pi]"
    run ln -sfn "$HOME_DIR/bin/smartselfie" "$LINK"
}

write_settings() {
    say "Settings and pictures in $STATE_DIR:"
    run install -d -m 0750 -o "$SERVICE_USER" -g "$SERVICE_USER" "$STATE_DIR"
    if [ -e "$STATE_DIR/config.yaml" ]; then
        say "  config.yaml stays as it is"
        return
    fi
    run "$HOME_DIR/bin/smartselfie" init "$STATE_DIR"
    run chown "$SERVICE_USER:$SERVICE_USER" "$STATE_DIR/config.yaml"
}

start_service() {
    say "Service:"
    run install -m 0644 "$SOURCE/deploy/smartselfie.service" "$UNIT"
    run systemctl daemon-reload
    run systemctl enable smartselfie.service
    run systemctl restart smartselfie.service
}

# The two change places: a second rollback takes the first one back.
roll_back() {
    say "Back to the program that was there before:"
    if [ ! -d "$PREVIOUS" ] && ! $dry_run; then
        fail "there is no earlier program in $PREVIOUS"
    fi
    run mv "$HOME_DIR" "$HOME_DIR.leaving"
    run mv "$PREVIOUS" "$HOME_DIR"
    run mv "$HOME_DIR.leaving" "$PREVIOUS"
    run systemctl restart smartselfie.service
}

remove() {
    say "Taking smartselfie away:"
    if [ -e "$UNIT" ] || $dry_run; then
        run systemctl disable --now smartselfie.service
        run rm -f "$UNIT"
        run systemctl daemon-reload
    fi
    run rm -f "$LINK"
    run rm -rf "$HOME_DIR" "$PREVIOUS"
    say "Settings and pictures stay in $STATE_DIR, and so does the user that owns them."
    say "To remove these too: rm -r $STATE_DIR && userdel $SERVICE_USER"
}

$dry_run && say "Dry run: nothing is changed."
check_root "$@"
if $uninstall; then
    remove
    exit 0
fi
if $rollback; then
    roll_back
    exit 0
fi
check_machine
install_packages
make_user
install_program
write_settings
start_service
say
say "It runs. How it is: smartselfie status. What it says: journalctl -u smartselfie -f"
say "Settings: $STATE_DIR/config.yaml (applied as soon as they are saved)"
