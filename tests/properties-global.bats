#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Properties of the system in the daemon, byte for byte (admin-api 2.5, 4.7) with their events (11.3).

load lib/common

setup() {
	case $BATS_TEST_DESCRIPTION in
	empty*) start_daemon empty ;;
	*) start_daemon ;;
	esac
}

# reply CALL PAYLOAD WANT: OK [BODY], or TYPE: TEXT.
reply() {
	local want=$3
	case $want in
	OK) want='0\0' ;;
	'OK '*) want="0\\0${want#OK }" ;;
	*) want="2\\0${want%%: *}\\0\\0${want#*: }\\0" ;;
	esac
	assert_equal "$1 $2: $(raw "admin.property.$1" dom0 "$2")" "$1 $2: $want"
}
value() { raw "admin.property.Get+$1" dom0; }

change() {
	local before
	before=$(events | wc -l)
	assert_equal "$(raw "$@")" '0\0'
	events | tail -n "+$((before + 1))"
}

ALL='check_updates_vm clockvm default_audiovm default_dispvm default_guivm default_kernel default_netvm default_pool default_pool_kernel default_pool_private default_pool_root default_pool_volatile default_qrexec_timeout default_shutdown_timeout default_template management_dispvm maxmem no_cpus stats_interval updatevm '

@test "List, Help, HelpRst; the destination is dom0" {
	local prop
	reply List '' "OK ${ALL// /\\n}"
	for prop in $ALL; do
		assert_regex "$(raw "admin.property.Help+$prop" dom0)" '^0\\0[A-Z][^\\]*\.$'
		assert_equal "$(raw "admin.property.Help+$prop" dom0)" "$(raw "admin.property.HelpRst+$prop" dom0)"
	done
	for prop in Get GetDefault Help HelpRst Set Reset; do
		reply $prop+nothing '' "QubesNoSuchPropertyError: Invalid property 'nothing' of Qubes"
	done
	assert_equal "$(raw admin.property.List work)" '2\0ProtocolError\0\0expected destination to be AdminVM\0'
}

@test "empty system: what has no value and what has no default" {
	local memory cpus
	memory=$(($(getconf _PHYS_PAGES) / (1048576 / $(getconf PAGESIZE))))
	cpus=$(getconf _NPROCESSORS_ONLN)
	reply GetAll '' "OK check_updates_vm default=True type=bool True\\nclockvm default=True type=vm \\ndefault_audiovm default=True type=vm dom0\\ndefault_dispvm default=True type=vm \\ndefault_guivm default=True type=vm dom0\\ndefault_kernel default=True type=str \\ndefault_netvm default=True type=vm \\ndefault_pool default=True type=str varlibqubes\\ndefault_pool_kernel default=False type=str linux-kernel\\ndefault_pool_private default=True type=str varlibqubes\\ndefault_pool_root default=True type=str varlibqubes\\ndefault_pool_volatile default=True type=str varlibqubes\\ndefault_qrexec_timeout default=True type=int 60\\ndefault_shutdown_timeout default=True type=int 60\\ndefault_template default=True type=vm \\nmanagement_dispvm default=True type=vm \\nmaxmem default=True type=int $memory\\nno_cpus default=True type=int $cpus\\nstats_interval default=True type=int 3\\nupdatevm default=True type=vm \\n"
	reply GetDefault+default_template '' OK
	reply GetDefault+default_kernel '' OK
	reply GetDefault+default_netvm '' 'OK type=vm '
	reply GetDefault+default_pool_kernel '' 'OK type=str varlibqubes'
	events_start
	assert_equal "$(change admin.property.Set+default_template dom0)" \
		'. property-pre-set:default_template name=default_template newvalue=None
. property-set:default_template name=default_template newvalue=None'
	assert_equal "$(value default_template)" '0\0default=False type=vm '
	assert_equal "$(change admin.property.Reset+default_template dom0)" \
		'. property-pre-reset:default_template name=default_template oldvalue=None
. property-pre-del:default_template name=default_template oldvalue=None
. property-reset:default_template name=default_template oldvalue=None
. property-del:default_template name=default_template oldvalue=None'
}

@test "Set and its refusals" {
	reply Set+check_updates_vm off OK
	assert_equal "$(value check_updates_vm)" '0\0default=False type=bool False'
	reply Set+default_qrexec_timeout -7 OK
	assert_equal "$(value default_qrexec_timeout)" '0\0default=False type=int -7'
	reply Set+stats_interval 10 OK
	reply Set+updatevm '' OK
	assert_equal "$(value updatevm)" '0\0default=False type=vm '
	reply Set+default_pool_root varlibqubes OK
	reply Set+default_kernel 6.6.77-1.fc37 OK
	reply Set+default_template debian-13-xfce OK
	reply Set+updatevm nobody "QubesPropertyValueError: Can't set updatevm to non-existing qube nobody"
	reply Set+updatevm '\xff' 'QubesValueError: '
	reply Set+stats_interval x 'QubesValueError: Failed to parse property value as int'
	reply Set+check_updates_vm 2 "QubesValueError: Invalid literal for boolean property: '2'"
	reply Set+default_pool 'a\xff' 'QubesValueError: Non-ASCII bytes in property value'
	reply Set+default_pool nopool 'QubesPropertyValueError: No such storage pool'
	reply Set+default_pool_private '' 'QubesPropertyValueError: No such storage pool'
	reply Set+default_kernel 5.0 "QubesPropertyValueError: Kernel '5.0' not installed"
	reply Set+default_kernel a/b "QubesPropertyValueError: Kernel 'a/b' not installed"
	reply Set+default_template work "QubesPropertyValueError: wrong VM class: domains['work'] is of type AppVM and not TemplateVM"
	reply Set+default_dispvm work "QubesPropertyValueError: Cannot set invalid property to system, default_dispvm 'work' has template_for_dispvms set to False"
	reply Set+management_dispvm work "QubesPropertyValueError: Cannot set invalid property to system, management_dispvm 'work' has template_for_dispvms set to False"
	reply Set+default_netvm sys-firewall OK
	reply Set+maxmem 100 "QubesPropertyValueError: property 'maxmem' on Qubes instance cannot be set"
	reply Set+no_cpus 1 "QubesPropertyValueError: property 'no_cpus' on Qubes instance cannot be set"
	reply Reset+no_cpus '' OK
	reply Reset+default_pool_root '' OK
	assert_equal "$(value default_pool_root)" '0\0default=True type=str vm-pool'
	raw admin.vm.property.Set+provides_network work 1
	reply Set+default_netvm work "QubesPropertyValueError: Network loop on 'work'"
}

# The qubes of the fixture, by name, whose netvm follows the system.
FOLLOWERS='default-dvm personal untrusted work'

@test "events: default_netvm" {
	local qube want='. property-pre-set:default_netvm name=default_netvm newvalue=sys-net oldvalue=sys-firewall'
	raw admin.vm.property.Reset+netvm debian-13-xfce
	events_start
	for qube in debian-13-xfce $FOLLOWERS; do
		want+=$'\n'"$qube property-pre-set:netvm name=netvm newvalue=sys-net oldvalue=sys-firewall"
	done
	for qube in debian-13-xfce $FOLLOWERS; do
		case $qube in
		debian*) want+=$'\n'"$qube property-set:netvm name=netvm newvalue=None oldvalue=sys-firewall" ;;
		*) want+=$'\n'"$qube property-set:netvm name=netvm newvalue=sys-net oldvalue=sys-firewall" ;;
		esac
		want+=$'\n'"$qube property-reset:netvm name=netvm oldvalue=sys-firewall"
	done
	want+=$'\n. property-set:default_netvm name=default_netvm newvalue=sys-net oldvalue=sys-firewall'
	assert_equal "$(change admin.property.Set+default_netvm dom0 sys-net)" "$want"
}

@test "events: default_dispvm" {
	local qube want='. property-pre-set:default_dispvm name=default_dispvm newvalue=default-mgmt-dvm oldvalue=default-dvm'
	events_start
	for qube in dom0 debian-13-xfce default-dvm default-mgmt-dvm fedora-42-xfce personal sys-firewall sys-net \
		sys-usb untrusted vault work; do
		want+=$'\n'"$qube property-reset:default_dispvm name=default_dispvm oldvalue=default-dvm"
	done
	want+=$'\n. property-set:default_dispvm name=default_dispvm newvalue=default-mgmt-dvm oldvalue=default-dvm'
	assert_equal "$(change admin.property.Set+default_dispvm dom0 default-mgmt-dvm)" "$want"
}

@test "events: default_guivm and default_audiovm" {
	local kind qube want
	events_start
	for kind in guivm audiovm; do
		want=". property-pre-set:default_$kind name=default_$kind newvalue=None oldvalue=dom0"
		for qube in debian-13-xfce default-dvm default-mgmt-dvm fedora-42-xfce personal sys-firewall sys-net \
			sys-usb untrusted vault work; do
			want+=$'\n'"$qube domain-tag-delete:$kind-dom0 tag=$kind-dom0"
			want+=$'\n'"$qube property-set:$kind name=$kind newvalue=None oldvalue=dom0"
		done
		want+=$'\n'". property-set:default_$kind name=default_$kind newvalue=None oldvalue=dom0"
		assert_equal "$(change "admin.property.Set+default_$kind" dom0)" "$want"
	done
}

@test "events: clockvm" {
	events_start
	assert_equal "$(change admin.property.Set+clockvm dom0 work)" \
		'. property-pre-set:clockvm name=clockvm newvalue=work oldvalue=sys-net
work domain-feature-pre-set:service.clocksync feature=service.clocksync value=1
work domain-feature-set:service.clocksync feature=service.clocksync value=1
sys-net domain-feature-pre-delete:service.clocksync feature=service.clocksync
sys-net domain-feature-delete:service.clocksync feature=service.clocksync
. property-set:clockvm name=clockvm newvalue=work oldvalue=sys-net'
	assert_equal "$(change admin.property.Set+clockvm dom0)" \
		'. property-pre-set:clockvm name=clockvm newvalue=None oldvalue=work
work domain-feature-pre-delete:service.clocksync feature=service.clocksync
work domain-feature-delete:service.clocksync feature=service.clocksync
. property-set:clockvm name=clockvm newvalue=None oldvalue=work'
}
