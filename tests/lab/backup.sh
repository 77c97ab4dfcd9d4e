#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Backups in a lab: qubes with data are saved by a profile, the backup is verified, the qubes are removed and
# restored, and all that can be seen of them is compared, the bytes of their volumes too. Each command is printed
# before its output.
# usage: backup.sh             five qubes, to a file
#        backup.sh --qube      the same five, to a qube that is a sandbox, and from there
#        backup.sh --filters   one of them with each program that compresses, from the environment of cron
# The programs are those on PATH.
set -eu

QUBES='own online alone dvm plain'

step() {
	printf '$ %s\n' "$*"
	"$@"
}

# As cron would have it, but that a lab has to be found.
cron() {
	printf '$ env -i %s\n' "$*"
	program=$(command -v "$1")
	shift
	env -i "QVM_ENDPOINT=$QVM_ENDPOINT" "$program" "$@" </dev/null
}

# ---- the qubes ----

# Data with a hole, which no other volume has.
fill() { # QUBE:VOLUME
	head -c 65536 /dev/urandom >data
	truncate -s 512K data
	head -c 4096 /dev/urandom >>data
	qvm-volume import "$1" data
}

make_plain() {
	step qvm-create --label green --property netvm= plain
	step qvm-tags plain add mine
	fill plain:private
}

# One of each class that has data, and what a qube can have beside them.
make_qubes() {
	step qvm-create --class TemplateVM --label gray own
	step qvm-create --template own --label purple online
	step qvm-create --class StandaloneVM --label red alone
	step qvm-create --template own --label orange dvm
	make_plain
	step qvm-prefs dvm template_for_dispvms True
	step qvm-prefs online default_dispvm dvm
	step qvm-prefs online memory 300
	step qvm-prefs online kernelopts 'a b=c'
	step qvm-features online odd "x <&> 'y'"
	step qvm-service online crond on
	step qvm-tags online add far mine
	step qvm-notes online --set 'call them <&> soon'
	step qvm-firewall online del --rule-no 0
	step qvm-firewall online add accept dst4=192.168.0.0/24 proto=tcp dstports=22-25 'comment=for me, not you'
	step qvm-firewall online add accept dsthost=example.org expire=4102444800
	step qvm-firewall online add drop
	step qvm-block assign --required --option read-only=yes online sys-usb:sda
	step qvm-usb assign --ask alone sys-usb:2-3
	for volume in own:root own:private online:private alone:root alone:private dvm:private; do
		fill "$volume"
	done
}

# ---- what can be seen of a qube ----

# But what follows from its number and from the time.
settings() { # QUBE
	qvm-prefs "$1" | grep -vE '^(qid|uuid|mac|(visible_)?ip6?|backup_timestamp) '
	qvm-features "$1"
	qvm-tags "$1"
	qvm-notes "$1" --print
	qvm-firewall "$1" list --raw
	for class in block usb pci mic; do
		qvm-device "$class" list --assignments "$1"
	done
}

# The volumes that are its own.
volumes() { # QUBE
	for volume in root private; do
		[ "$(qvm-volume info "$1:$volume" save_on_stop)" = False ] || echo "$volume"
	done
}

content() { # QUBE VOLUME
	find state/dom0 -name "vm-$1-$2.*.img" | sort -V | tail -n 1
}

remember() { # QUBE...
	mkdir -p was
	for qube; do
		settings "$qube" >"was/$qube"
		for volume in $(volumes "$qube"); do
			cp --sparse=always "$(content "$qube" "$volume")" "was/$qube-$volume"
		done
	done
}

compare() { # QUBE...
	for qube; do
		settings "$qube" | diff "was/$qube" -
		same=
		for volume in $(volumes "$qube"); do
			cmp "was/$qube-$volume" "$(content "$qube" "$volume")"
			same="$same $volume"
		done
		echo "$qube is as it was, and its volumes:$same"
	done
}

# ---- what is shown ----

# Prints it, too.
profile() { # NAME, its text on stdin
	(umask 077 && tee "$QVM_BACKUP_PROFILE_DIR/$1.conf" | sed "s|$PWD/||")
}

# The first of them are needed by those behind.
remove() {
	step qvm-remove --force online dvm plain alone own
}

to_file() {
	make_qubes
	remember $QUBES
	profile weekly <<-END
		include: [own, online, alone, dvm, plain]
		destination_vm: dom0
		destination_path: $PWD/backup
		passphrase_text: correct horse
	END
	step qvm-backup --yes --profile weekly
	step qvm-backup-restore --quiet --verify-only -p secret backup
	remove
	step qvm-backup-restore --quiet -p secret backup
	compare $QUBES
}

to_qube() {
	make_qubes >log
	remember $QUBES
	step qvm-start --quiet vault
	profile away <<-END
		include: [own, online, alone, dvm, plain]
		destination_vm: vault
		destination_path: cat >backup
		passphrase_text: correct horse
	END
	step qvm-backup --yes --profile away
	step qvm-backup-restore --quiet --verify-only --jsonl -p secret -d vault /home/user/backup
	remove
	step qvm-backup-restore --quiet --jsonl -p secret -d vault /home/user/backup
	compare $QUBES
}

filters() {
	make_plain >log
	remember plain
	for filter in gzip pigz zstd bzip2 xz lz4; do
		profile "$filter" <<-END
			include: [plain]
			destination_vm: dom0
			destination_path: $PWD/plain.$filter
			compression: $filter
			passphrase_text: correct horse
		END
		force=
		# A header that names this one could be anybody's: it has to be asked for.
		[ "$filter" != lz4 ] || force='-Z lz4'
		cron qvm-backup --yes --profile "$filter"
		cron qvm-backup-restore --quiet --verify-only --jsonl -p secret $force "plain.$filter"
		step qvm-remove --force plain
		cron qvm-backup-restore --quiet --jsonl -p secret $force "plain.$filter"
		compare plain
	done
}

# ---- labs ----

lab() { # DRIVER COMMAND: of this script, in a lab
	driver=$1
	shift
	qvm-lab --state state --scrypt-logn 10 --xenstored none $driver sh "$script" --inside "$@"
}

case ${1-} in
--inside)
	"$2"
	exit
	;;
'') driver='--power null' what=to_file ;;
--filters) driver='--power null' what=filters ;;
--qube) driver=--require-bwrap what=to_qube ;;
*)
	sed -n '/^# usage/,/^# The/ s/^# //p' "$0" >&2
	exit 2
	;;
esac
script=$(realpath "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo 'correct horse' >secret
lab "$driver" "$what"
