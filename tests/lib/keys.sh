#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The keys by which dom0 and qubes tell each other things, step by step, in a lab of any generation:
#     qvm-lab --vmif r2 sh tests/lib/keys.sh
# What is not as it should be ends it.
set -eu

title() { printf '\n%s\n' "$*"; }
# await FILE TEXT COMMAND...: again and again, until the text is in the file.
await() {
	file=$1 text=$2 tries=0
	shift 2
	until grep -q "$text" "$file"; do
		"$@"
		tries=$((tries + 1))
		[ $tries -lt 500 ] || { echo "this never came: $text"; return 1; }
	done
}
# watch QUBE...: what is written for them from now on is in $QVM_LAB/QUBE.
watch() {
	for q; do
		: >"$QVM_LAB/$q"
		qvm-vmconfig watch "$q" >>"$QVM_LAB/$q" &
		await "$QVM_LAB/$q" service/begin qvm-service "$q" begin on
	done
}
# written QUBE [PATTERN]: what was written for it since then, as far as it fits. Each end has a number of its own.
written() {
	ends=$((ends + 1))
	await "$QVM_LAB/$1" "service/end$ends" qvm-service "$1" "end$ends" on
	grep -v -e service/begin -e service/end "$QVM_LAB/$1" | grep "${2-.}" || :
	: >"$QVM_LAB/$1"
}
ends=0
# seen QUBE: KEY = "VALUE" of what XenStore's own client sees, without the nodes that only have others below them.
seen() {
	root=/local/domain/$(qvm-prefs "$1" xid)
	xenstore-ls -f "$root" | sed -n "s,^$root/\(.*\)\$,\1,p" | grep "$ours" |
		grep -vxE '(qubes-(service|iptables-domainrules)|memory) = ""' | LC_ALL=C sort
}
# listed QUBE: the same of what we see.
listed() {
	qvm-vmconfig list --json --channel xenstore "$1" | jq -r '.[] | .key + " = " + (.value |
		gsub("\\\\"; "\\\\") | gsub("\n"; "\\n") | gsub("\t"; "\\t") | "\"" + . + "\"")' |
		grep "$ours" | grep -vx 'memory = ""' | LC_ALL=C sort
}

ours=.
[ "$QVM_VMIF" = r2 ] || ours='^memory'
title 'One of each kind runs, and XenStore is seen alike:'
qvm-create -q -C StandaloneVM -l red alone
qvm-create -q -C StandaloneVM -l red --property virt_mode=hvm --property kernel= hvm
disp=$(qubesd-query -e dom0 admin.vm.CreateDisposable default-dvm </dev/null | tr -d '\0' | cut -c 2-)
qvm-start -q work debian-13-xfce alone hvm "$disp"
for q in work debian-13-xfce alone hvm "$disp" sys-firewall sys-net; do
	seen "$q" >"$QVM_LAB/seen"
	listed "$q" | diff "$QVM_LAB/seen" -
	printf '%s %s\n' "$(qvm-vmconfig get "$q" qubes-vm-type)" "$(qvm-prefs "$q" klass)"
done

title 'A service, the keyboard, the time zone:'
watch work
qvm-service work cups off
qvm-prefs work keyboard_layout de++
ln -sfn /usr/share/zoneinfo/Asia/Tokyo "$QVM_LOCALTIME"
await "$QVM_LAB/work" Asia/Tokyo qvm-service work begin on
written work

title 'The firewall, in the network qube:'
watch sys-firewall
qvm-firewall work load - <<-'END'
	action=accept dst4=192.0.2.0/24 proto=tcp dstports=80-443
	action=drop
END
written sys-firewall "firewall/\|rules/ \|rules/$(qvm-prefs work xid) \|iptables = "

title 'The netvm:'
qvm-prefs work netvm sys-net
written work 'qubes-ip = \|gateway = '

title 'All is as it should be:'
qvm-vmconfig check --all && echo yes

title 'One is broken:'
root=/local/domain/$(qvm-prefs work xid)
case $QVM_VMIF in
r2) xenstore-write "$root/qubes-gateway" 10.0.0.1 ;;
# Nothing that could be compared is left in XenStore; qdb is the client of the tests.
r3) qdb "$QVM_QUBESDB_DIR/qubesdb.work.sock" write /qubes-gateway 10.0.0.1 >"$QVM_LAB/answer" ;;
r4) xenstore-write "$root/memory/hotplug-max" 10001 ;;
esac
qvm-vmconfig check --all || echo "exit status $?"
