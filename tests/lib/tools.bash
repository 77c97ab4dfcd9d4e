# SPDX-License-Identifier: GPL-2.0-or-later
# Every tool and what it can be asked, for tests that hold for all of them. A new tool gets a row or more in
# tool_rows, and tools_replies what these rows need to succeed; a test fails when a built program has none.
# shellcheck shell=bash

# Services run, and say nothing; files go where they are thrown away.
export QVM_QREXEC_CLIENT=$ROOT/tests/lib/qrexec.sh QREXEC_LOG=/dev/null QVM_LIBDIR=$QVM_BUILD/lib/qvm-tools
export QREXEC_DO='case $service in qubes.Filecopy*)
	QREXEC_REMOTE_DOMAIN=here HOME=$(mktemp -d)
	export HOME QREXEC_REMOTE_DOMAIN
	"$ROOT/cmd/agent/qubes-rpc/qubes.Filecopy"
	rm -rf "$HOME" ;;
esac'

# Command lines about the qube $1, one a line; no blanks within a word.
tool_rows() {
	local backup="--passphrase-file ROOT/tests/fixtures/backup.pass ROOT/tests/fixtures/backup"
	sed -e "s/QUBE/$1/g" -e "s|BACKUP|$backup|" -e "s|ROOT|$ROOT|g" <<'END'
qubes-prefs
qubes-prefs --json
qubes-prefs clockvm
qubes-prefs clockvm QUBE
qubes-prefs --help-properties
qubesd-query -e dom0 admin.vm.List dom0
qubesd-query --fail -e dom0 admin.vm.property.Get QUBE netvm
qvm-backup --yes --profile p
qvm-backup --yes --progress json --profile QUBE
qvm-backup-restore --quiet BACKUP
qvm-backup-restore --quiet --rename-conflicting --json BACKUP saved
qvm-check QUBE
qvm-console QUBE
qvm-copy ROOT/README.md
qvm-copy-to-vm --without-progress QUBE ROOT/README.md
qvm-check --networked QUBE
qvm-check --networked --json QUBE
qvm-clone QUBE new
qvm-create --label red --class AppVM new
qvm-create --class StandaloneVM --template QUBE --label red new
qvm-create --help-classes
qvm-device block list
qvm-device pci list --json
qvm-block list QUBE
qvm-usb list --jsonl
qvm-pci list
qvm-mic list
qvm-events --timeout 1 --count 1 QUBE
qvm-events --timeout 1 --json --count 1 --until x QUBE
qvm-features QUBE
qvm-features QUBE f
qvm-features QUBE f 1
qvm-features --unset QUBE f
qvm-features --json QUBE
qvm-grow-private QUBE 8MiB
qvm-grow-root QUBE 8MiB
qvm-firewall QUBE
qvm-firewall --raw QUBE
qvm-firewall --json QUBE list
qvm-firewall QUBE add drop 1.2.3.4
qvm-firewall QUBE del --rule-no 0
qvm-firewall QUBE reset
qvm-kill QUBE
qvm-label
qvm-label --json
qvm-label get red
qvm-label create new 0x123456
qvm-label remove new
qvm-ls
qvm-ls -O name,class,state,label,netvm,tags,features,kernelopts,label.color
qvm-ls --disk --raw-data
qvm-ls --tree --json -O name,netvm,tags
qvm-ls --where label=red --raw-list
qvm-monitor-layout --from /dev/null QUBE
qvm-monitor-layout --from /dev/null --json --all
qvm-move ROOT/README.md
qvm-move-to-vm QUBE /nonexistent
qvm-notes --print QUBE
qvm-notes --print --json QUBE
qvm-notes --append more QUBE
qvm-notes --delete QUBE
qvm-open-in-dvm ROOT/README.md
qvm-open-in-vm QUBE https://www.qubes-os.org
qvm-pause QUBE
qvm-pool
qvm-pool --jsonl
qvm-pool drivers
qvm-pool drivers --json
qvm-pool info lvm
qvm-pool add new file -o dir_path=/new
qvm-pool set lvm -o revisions_to_keep=1
qvm-pool remove lvm
qvm-pool-legacy
qvm-pool-legacy --info lvm --info lvm
qvm-pool-legacy --add new file -o a=1,b=2
qvm-prefs QUBE
qvm-prefs --jsonl QUBE
qvm-prefs QUBE kernelopts
qvm-prefs --json QUBE kernelopts
qvm-prefs QUBE netvm QUBE
qvm-prefs --default QUBE netvm
qvm-prefs --all netvm
qvm-prefs --help-properties QUBE
qvm-service QUBE
qvm-service QUBE crond
qvm-service --enable QUBE crond
qvm-shutdown QUBE
qvm-shutdown --wait QUBE
qvm-start QUBE
qvm-start --cdrom dom0:sda QUBE
qvm-sync-clock --dry-run
qvm-sync-clock --dry-run --push
qvm-tags QUBE
qvm-tags QUBE add t
qvm-tags --all --json
qvm-unpause QUBE
qvm-unpause --all
qvm-volume
qvm-volume --json
qvm-volume list --usage
qvm-volume list --usage --jsonl QUBE
qvm-volume info QUBE:private
qvm-volume info --json QUBE:private
qvm-volume info QUBE:private revisions
qvm-volume config QUBE:private rw True
qvm-volume resize QUBE:private 8M
qvm-volume revert QUBE:private
qvm-volume import QUBE:private /dev/null --size 0
qvm-volume clone QUBE:private QUBE:root
qvm-volume clone --force QUBE:private QUBE:root
qvm-volume clear QUBE:private
qvm-wait --timeout 1 QUBE
qvm-wait --timeout 1 --any --json QUBE
qvm-vmconfig check --where name=QUBE
qvm-vmconfig check --all --json
qvm-run --service QUBE a.B
qvm-run -q QUBE ls
qvm-remove QUBE
qvm-remove --force QUBE
END
}

# Rows which, in dom0 and without a terminal, end before they make a call.
# shellcheck disable=SC2034
NO_CALL='^qvm-(copy |move|console|open-in-dvm)'

# The first row of each tool.
first_rows() { tool_rows "$1" | awk '!seen[$1]++'; }

# What a press of Tab asks each tool, behind its name and behind the qube $1.
completion_rows() {
	local tool
	for tool in $(tools); do
		echo "$tool --complete-words 1 $tool"
		echo "$tool --complete-words 2 $tool $1"
	done
}

# The programs that talk to a daemon: all that are built, the lab's own two left out.
tools() {
	local path
	for path in "$BIN"/*; do
		case ${path##*/} in
		qvmd | qvm-lab) ;;
		*) echo "${path##*/}" ;;
		esac
	done
}

# A script for the scripted server with which all rows about a1 succeed.
tools_replies() {
	cat <<'END'
> admin.backup.Info+p dom0
< 0\0a table\n
> admin.backup.Execute+p dom0
< 0\0
> admin.backup.Info+a1 dom0
< 0\0a table\n
> admin.backup.Execute+a1 dom0
< 0\0
> admin.vm.List+ dom0
< 0\0a1 class=AppVM state=Halted\ndom0 class=AdminVM state=Running\n
> admin.Events+ dom0
< stream 1\0\0connection-established\0\x001\0a1\0domain-tag-add:t\0tag\0t\0\x001\0a1\0domain-start\0start_guid\0True\0\0
> admin.property.List+ dom0
< 0\0clockvm\n
> admin.property.GetAll+ dom0
< 0\0clockvm default=False type=vm a1\n
> admin.property.Get+clockvm dom0
< 0\0default=False type=vm a1
> admin.property.Help+clockvm dom0
< 0\0Which qube has the time.
> admin.vm.property.List+ a1
< 0\0kernelopts\nnetvm\n
> admin.vm.property.GetAll+ a1
< 0\0kernelopts default=True type=str quiet\nlabel default=False type=label red\nnetvm default=False type=vm a1\n
> admin.vm.property.GetAll+ dom0
< 0\0label default=False type=label black\n
> admin.vm.property.Get+kernelopts a1
< 0\0default=True type=str quiet
> admin.vm.property.Get+label a1
< 0\0default=False type=label red
> admin.vm.property.Get+netvm a1
< 0\0default=False type=vm a1
> admin.vm.property.Get+provides_network a1
< 0\0default=False type=bool False
> admin.vm.property.Help+kernelopts a1
< 0\0What the kernel is told.
> admin.vm.property.Help+netvm a1
< 0\0Where the network comes from.
> admin.vm.feature.List+ a1
< 0\0f\nservice.crond\n
> admin.vm.feature.Get+f a1
< 0\01
> admin.vm.feature.Get+service.crond a1
< 0\01
> admin.vm.tag.List+ a1
< 0\0t\n
> admin.vm.notes.Get+ a1
< 0\0a note
> admin.vm.firewall.Get+ a1
< 0\0action=accept dsthost=a.example\n
> admin.vm.CurrentState+ a1
< 0\0power_state=Halted mem=0
> admin.label.List+ dom0
< 0\0red\n
> admin.label.Get+red dom0
< 0\00xcc0000
> admin.label.Index+red dom0
< 0\01
> admin.vmclass.List+ dom0
< 0\0AppVM\n
> admin.vm.volume.List+ a1
< 0\0root\nprivate\n
> admin.vm.volume.List+ dom0
< 0\0
> admin.vm.volume.Info+root a1
< 0\0pool=lvm\nvid=a1-root\nsize=4194304\nusage=0\nsave_on_stop=True\n
> admin.vm.volume.Info+private a1
< 0\0pool=lvm\nvid=a1-private\nsize=4194304\nusage=2097152\nsave_on_stop=True\n
> admin.vm.volume.ListSnapshots+private a1
< 0\01-back\n2-back\n
> admin.vm.volume.CloneFrom+private a1
< 0\0token
> admin.pool.List+ dom0
< 0\0lvm\n
> admin.pool.Info+lvm dom0
< 0\0driver=lvm_thin\nname=lvm\n
> admin.pool.ListDrivers+ dom0
< 0\0file dir_path\n
> admin.pool.UsageDetails+lvm dom0
< 0\0data_size=8388608\ndata_usage=4194304\n
> * *
< 0\0
END
}

# slurp VARIABLE FILE: all of it without a process, NUL bytes shown as byte 1.
slurp() {
	local IFS=$'\1' parts
	mapfile -d '' parts <"$2"
	printf -v "$1" %s "${parts[*]}"
}

# each PREFIX REDIRECTIONS CHECK: every row of ROWS, PREFIX in front. CHECK sees $row, its number $n, $status and
# stdout and stderr in $text_out and $text_err; it calls `wrong TEXT` for what should not be. With only=OUT or only=ERR
# just the rows for which the array of that name has something.
# shellcheck disable=SC2034 # the variables are for CHECK
each() {
	local row n status text_out text_err bad=0 out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	wrong() { printf '%s %s %s: %s\n' "$prefix" "$row" "$redirections" "$1" >&2; bad=1; }
	local prefix=$1 redirections=$2
	for n in "${!ROWS[@]}"; do
		row=${ROWS[n]} status=0
		case ${only:-} in
		OUT) [[ ${OUT[n]} ]] || continue ;;
		ERR) [[ ${ERR[n]} ]] || continue ;;
		esac
		eval "$1 $row </dev/null >$out 2>$err 3>&- $2" || status=$?
		slurp text_out "$out"
		slurp text_err "$err"
		if [[ $text_err == *Sanitizer* || $text_err == *'runtime error'* ]]; then
			wrong "$text_err"
		fi
		"$3"
	done
	((!bad && n >= 0))
}

# Sets said: how a tool begins its error line.
# shellcheck disable=SC2034
says() {
	case $1 in
	qvm-start | qvm-shutdown | qvm-kill | qvm-pause | qvm-unpause | qvm-volume | qvm-grow-* | qvm-firewall | \
		qvm-device | qvm-block | qvm-usb | qvm-pci | qvm-mic | qvm-run | qvm-console) said='Error:' ;;
	*) said="$1: error:" ;;
	esac
}
