# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of restores share: a system in which everything that a backup can hold is there once, and all that
# can be seen of a qube.
# shellcheck shell=bash

load lib/backup

# restore_fixture FILE, in which every volume has data: the five qubes of backup_fixture with a network, a disposable template, rules and devices.
restore_fixture() {
	backup_fixture "$1"
	sed -i 's/{size: 1048576}/{size: 1048576, data: 16384}/' "$1"
	cat >>"$1" <<-'END'
		  - name: net
		    netvm: none
		    properties: {provides_network: True, include_in_backups: False}
		    devices:
		      - {class: block, port: sda, id: "0951:1666:X:u080650", size: 15518924800}
		  - name: own
		    class: TemplateVM
		    netvm: none
		    properties: {include_in_backups: False}
		    volumes:
		      root: {size: 1048576, data: 12288}
		      private: {size: 1048576, data: 4096}
		  - name: online
		    netvm: net
		    template: own
		    label: purple
		    properties: {include_in_backups: False, vcpus: 3, kernelopts: "a b=c", autostart: True}
		    features: {service.crond: 1, service.cups: "", odd: "x <&> 'y'"}
		    tags: [far]
		    notes: "two\nlines <&>"
		    assigned:
		      - {class: block, device: "net:sda", mode: auto-attach, options: {read-only: "yes"}}
		    firewall:
		      - action=accept dst4=192.168.0.0/24 proto=tcp dstports=22-25 comment=for me, not you
		      - action=accept dsthost=example.org expire=4102444800
		      - action=drop proto=icmp icmptype=8
		      - action=drop
		    volumes: {private: {size: 1048576, data: 20480}}
		  - name: dvm
		    netvm: net
		    properties: {template_for_dispvms: True, include_in_backups: False}
		    volumes: {private: {size: 1048576, data: 4096}}
		  - name: named
		    class: DispVM
		    template: dvm
		    netvm: none
		    properties: {include_in_backups: False, default_dispvm: dvm}
	END
}

# The bytes of the volumes that are kept, by their size and digest.
volumes_of() {
	local volume file size
	for volume in $(raw admin.vm.volume.List "$1" | sed -e 's/^0\\0//' -e 's/\\n/ /g'); do
		raw "admin.vm.volume.Info+$volume" "$1" | grep -q 'save_on_stop=True' || continue
		size=$(raw "admin.vm.volume.Info+$volume" "$1" | sed 's/.*\\nsize=\([0-9]*\).*/\1/')
		file=$(find "$QVMD_STATE"/dom0 -path "*$1[-/]$volume.*.img" | sort | tail -n 1)
		printf '%s %s %s\n' "$volume" "$size" "$(sha256sum <"$file")"
	done
}

# seen QUBE: everything that can be seen of it; what follows from its number or the time is left out.
seen() {
	local class
	raw admin.vm.List "$1" | sed 's/ uuid=[^ ]*//'
	raw admin.vm.property.GetAll "$1" | sed 's/\\n/\n/g' |
		grep -vE '^(qid|uuid|dispid|start_time|backup_timestamp|[a-z_]*ip6?|mac|gateway6?|dns|icon) ' || :
	for class in tag feature; do
		raw "admin.vm.$class.List" "$1"
	done
	qvm-features "$1"
	raw admin.vm.notes.Get "$1"
	raw admin.vm.firewall.Get "$1"
	for class in block pci usb mic; do
		raw "admin.vm.device.$class.Assigned" "$1"
	done
	volumes_of "$1"
} 2>&1

# seen_as NAME QUBE: the same, as if QUBE had that name.
seen_as() { seen "$2" | sed "s/$2/$1/g"; }

# Makes a backup of QUBES... as ./backup.
make_backup() {
	rm -rf to && mkdir to
	echo secret >secret
	QVM_BACKUP_PROFILE_DIR=$QVMD_STATE/etc/backup qvm-backup -q -y -p secret to "$@" >/dev/null && mv to/* backup
}

restore() { qvm-backup-restore -p secret "$@"; }
export -f restore

TAR2QFILE=$QVM_BUILD/lib/qvm-tools/tar2qfile

# A stand-in for qrexec-client whose qubes have the service qubes.Restore, in the file ./client. It logs to ./called.
make_client() {
	cat >client <<-END
		#!/bin/bash
		printf '%s\n' "\$*" >>'$PWD/called'
		if [[ \$3 != *RestoreById* ]]; then IFS= read -r location; else location='$PWD/backup'; fi
		IFS= read -r filter
		echo "location \$location, filter '\$filter'" >>'$PWD/called'
		case \$location in
		*/noisy) yes complaint | head -c 300000 >&2; exit 3 ;;
		*/cut) head -c \$((\$(stat -c %s '$PWD/backup') / 2)) '$PWD/backup' >'$PWD/half'; exec '$TAR2QFILE' '$PWD/half' ;;
		esac
		'$TAR2QFILE' "\$location"
		status=\$?
		echo "status \$status" >>'$PWD/called'
		exit \$status
	END
	chmod +x client
	export QVM_QREXEC_CLIENT=$PWD/client
}
