#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Creating and removing qubes as the daemon does it (admin-api 2.4, 4.6).

load lib/common
load lib/rows

setup() { start_daemon; }

@test "create: every class" {
	rows <<-'END'
	> admin.vm.Create.AppVM dom0 name=app label=green
	< 0\0
	> admin.vm.property.Get+template app
	< 0\0default=False type=vm fedora-42-xfce
	> admin.vm.property.Get+label app
	< 0\0default=False type=label green
	> admin.vm.property.Get+qid app
	< 0\0default=False type=int 12
	> admin.vm.tag.List app
	< 0\0audiovm-dom0\ncreated-by-dom0\nguivm-dom0\n
	> admin.vm.feature.List app
	< 0\0
	> admin.vm.Create.AppVM+debian-13-xfce dom0 label=red name=app2
	< 0\0
	> admin.vm.property.Get+template app2
	< 0\0default=False type=vm debian-13-xfce
	> admin.vm.Create.TemplateVM dom0 name=tpl label=black
	< 0\0
	> admin.vm.property.Get+klass tpl
	< 0\0default=True type=str TemplateVM
	> admin.vm.Create.StandaloneVM dom0 name=alone label=black
	< 0\0
	> admin.vm.property.Get+klass alone
	< 0\0default=True type=str StandaloneVM
	> admin.vm.Create.RemoteVM dom0 name=far label=black
	< 0\0
	> admin.vm.property.Get+klass far
	< 0\0default=True type=str RemoteVM
	> admin.vm.tag.List far
	< 0\0created-by-dom0\n
	> admin.vm.CurrentState far
	< 0\0mem=0 mem_static_max=0 cputime=0 power_state=Running
	> admin.vm.Create.DispVM dom0 name=named label=gray
	< 0\0
	> admin.vm.property.Get+template named
	< 0\0default=False type=vm default-dvm
	> admin.vm.property.Get+auto_cleanup named
	< 0\0default=True type=bool False
	> admin.vm.property.Get+label named
	< 0\0default=False type=label gray
	> admin.vm.Create.DispVM+default-mgmt-dvm dom0 name=named2 label=gray
	< 0\0
	> admin.vm.property.Get+template named2
	< 0\0default=False type=vm default-mgmt-dvm
	END
}

@test "create: a removed qube's qid is used again, a name of 31 characters is legal" {
	local n31=abcdefghijklmnopqrstuvwxyz._-45
	rows <<-END
	> admin.vm.property.Get+qid personal
	< 0\\0default=False type=int 8
	> admin.vm.Remove personal
	> admin.vm.Create.AppVM dom0 name=$n31 label=red
	< 0\\0
	> admin.vm.property.Get+qid $n31
	< 0\\0default=False type=int 8
	END
}

@test "create: refusals of the call" {
	rows <<-'END'
	> admin.vm.Create.AppVM work name=x label=red
	< 2\0ProtocolError\0\0expected destination to be AdminVM\0
	> admin.vm.Create.AppVM dom0
	< 2\0ProtocolError\0\0expected payload\0
	> admin.vm.Create.Nix dom0 name=x label=red
	< 2\0ProtocolError\0\0no such method: 'admin.vm.Create.Nix'\0
	> admin.vm.CreateInPool.Nix dom0 name=x label=red
	< 2\0ProtocolError\0\0no such method: 'admin.vm.CreateInPool.Nix'\0
	> admin.vm.Create.TemplateVM+fedora-42-xfce dom0 name=x label=red
	< 2\0ProtocolError\0\0TemplateVM cannot be based on template\0
	> admin.vm.Create.StandaloneVM+fedora-42-xfce dom0 name=x label=red
	< 2\0ProtocolError\0\0StandaloneVM cannot be based on template\0
	> admin.vm.Create.RemoteVM+fedora-42-xfce dom0 name=x label=red
	< 2\0ProtocolError\0\0RemoteVM cannot be based on template\0
	> admin.vm.Create.AdminVM+fedora-42-xfce dom0 name=x label=red
	< 2\0ProtocolError\0\0AdminVM cannot be based on template\0
	> admin.vm.Create.AdminVM dom0 name=x label=red
	< 2\0QubesPropertyValueError\0\0property 'qid' on AdminVM instance cannot be set\0
	> admin.vm.Create.AppVM+nix dom0 name=x label=red
	< 2\0QubesVMNotFoundError\0\0No such domain: 'nix'\0
	> admin.vm.Create.AppVM+work dom0 name=x label=red
	< 2\0QubesPropertyValueError\0\0wrong VM class: domains['work'] is of type AppVM and not TemplateVM\0
	> admin.vm.Create.DispVM+work dom0 name=x label=red
	< 2\0QubesValueError\0\0template for disposable (work) needs to be an AppVM with template_for_dispvms=True\0
	> admin.vm.Create.DispVM+fedora-42-xfce dom0 name=x label=red
	< 2\0QubesValueError\0\0template for disposable (fedora-42-xfce) needs to be an AppVM with template_for_dispvms=True\0
	> admin.vm.Create.AppVM dom0 name=work label=red
	< 2\0QubesVMAlreadyExistsError\0\0Qube already exists: work\0
	> admin.vm.Create.AppVM dom0 name=dom0 label=red
	< 2\0QubesVMAlreadyExistsError\0\0Qube already exists: dom0\0
	END
	rows <<-'END'
	> admin.vm.tag.List x
	< 2\0QubesVMNotFoundError\0\0No such domain: 'x'\0
	END
}

@test "create: refusals of words" {
	rows <<-'END'
	> admin.vm.Create.AppVM dom0 name=x\x20\x20label=red
	< 2\0ProtocolError\0\0Options must be words of the form key=value with one space between them\0
	> admin.vm.Create.AppVM dom0 \x20name=x label=red
	< 2\0ProtocolError\0\0Options must be words of the form key=value with one space between them\0
	> admin.vm.Create.AppVM dom0 name=x label=red\x20
	< 2\0ProtocolError\0\0Options must be words of the form key=value with one space between them\0
	> admin.vm.Create.AppVM dom0 name=x label
	< 2\0ProtocolError\0\0Options must be words of the form key=value with one space between them\0
	> admin.vm.Create.AppVM dom0 name=x\xc3\xa9 label=red
	< 2\0ProtocolError\0\0Parameters contains non-ASCII characters\0
	> admin.vm.Create.AppVM dom0 name=x name=y label=red
	< 2\0ProtocolError\0\0Options must be unique\0
	> admin.vm.Create.AppVM dom0 name=x label=red label=red
	< 2\0ProtocolError\0\0Options must be unique\0
	> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool=vm-pool pool=vm-pool
	< 2\0ProtocolError\0\0Options must be unique\0
	> admin.vm.Create.AppVM dom0 label=red
	< 2\0ProtocolError\0\0Creation requested without key: name\0
	> admin.vm.Create.AppVM dom0 name=x
	< 2\0ProtocolError\0\0Creation requested without key: label\0
	> admin.vm.Create.AppVM dom0 name=x label=red colour=blue
	< 2\0ProtocolError\0\0Options does not match: name, label, pool, pool:\0
	> admin.vm.Create.AppVM dom0 name=x label=red\n
	< 2\0QubesInvalidLabelError\0\0Label must be in safe set: abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.\0
	> admin.vm.Create.AppVM dom0 name=x label=
	< 2\0QubesInvalidLabelError\0\0Label name must be set\0
	> admin.vm.Create.AppVM dom0 name=x label=4
	< 2\0QubesInvalidLabelError\0\0Label must not be a digit\0
	> admin.vm.Create.AppVM dom0 name=x label=pink
	< 2\0QubesLabelNotFoundError\0\0Label does not exist: pink\0
	> admin.vm.Create.AppVM dom0 name= label=red
	< 2\0QubesValueError\0\0VM name contains illegal characters\0
	> admin.vm.Create.AppVM dom0 name=a:b label=red
	< 2\0QubesValueError\0\0VM name contains illegal characters\0
	> admin.vm.Create.AppVM dom0 name=9x label=red
	< 2\0QubesValueError\0\0VM name cannot start with hyphen, underscore, dot or numbers\0
	> admin.vm.Create.AppVM dom0 name=abcdefghijklmnopqrstuvwxyz._-456 label=red
	< 2\0QubesValueError\0\0VM name must be shorter than 32 characters\0
	> admin.vm.Create.AppVM dom0 name=Domain-0 label=red
	< 2\0QubesValueError\0\0VM name cannot be 'Domain-0'\0
	> admin.vm.Create.AppVM dom0 name=none label=red
	< 2\0QubesValueError\0\0VM name cannot be 'none' nor 'default'\0
	> admin.vm.Create.AppVM dom0 name=x-dm label=red
	< 2\0QubesValueError\0\0VM name cannot end with -dm\0
	END
}

@test "create: pools" {
	rows <<-'END'
	> admin.vm.CreateInPool.AppVM dom0 name=a label=red
	< 0\0
	> admin.vm.CreateInPool.AppVM dom0 name=b label=red pool=varlibqubes
	< 0\0
	> admin.vm.CreateInPool.StandaloneVM dom0 name=c label=red pool:root=varlibqubes pool:private=vm-pool pool:volatile=vm-pool pool:kernel=linux-kernel
	< 0\0
	> admin.vm.CreateInPool.DispVM dom0 name=d label=red pool:volatile=varlibqubes
	< 0\0
	> admin.vm.CreateInPool.TemplateVM dom0 name=e label=red pool=varlibqubes
	< 0\0
	> admin.vm.Create.AppVM dom0 name=x label=red pool=varlibqubes
	< 2\0ProtocolError\0\0Pool option specified but 'allow_pool' is False\0
	> admin.vm.Create.AppVM dom0 name=x label=red pool:private=varlibqubes
	< 2\0ProtocolError\0\0Pool option specified but 'allow_pool' is False\0
	> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool:home=varlibqubes
	< 2\0ProtocolError\0\0Volume must be one of: root, private, volatile, kernel\0
	> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool:private=vm-pool pool:private=varlibqubes
	< 2\0ProtocolError\0\0Option 'pool:private' must be unique\0
	> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool=vm-pool pool:private=vm-pool
	< 2\0ProtocolError\0\0Conflicting options specified: 'pool=', 'pool:volume='\0
	> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool=nix
	< 2\0QubesException\0\0Unknown storage pool nix\0
	> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool:private=nix
	< 2\0QubesException\0\0Unknown storage pool nix\0
	> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool:root=vm-pool
	< 2\0QubesException\0\0Snapshot volume 'root' must be in the pool of its origin\0
	> admin.vm.CreateInPool.DispVM dom0 name=x label=red pool:private=vm-pool
	< 2\0QubesException\0\0Snapshot volume 'private' must be in the pool of its origin\0
	END
}

@test "create: no default template" {
	rows <<-'END'
	> admin.property.Set+default_dispvm dom0
	> admin.vm.Create.DispVM dom0 name=x label=red
	< 2\0QubesValueError\0\0Template for the qube not specified, nor default template set.\0
	> admin.vm.CreateDisposable dom0
	< 2\0QubesException\0\0Refusing to create disposable out of app qube which has template_for_dispvms=False\0
	END
	stop_daemon
	QVMD_STATE=$BATS_TEST_TMPDIR/empty start_daemon empty
	rows <<-'END'
	> admin.vm.Create.AppVM dom0 name=x label=red
	< 2\0QubesValueError\0\0Template for the qube not specified, nor default template set.\0
	END
}

@test "create: events, and what the system gives a new qube" {
	rows <<-'END'
	> admin.property.Set+check_updates_vm dom0 False
	END
	events_start
	rows <<-'END'
	> admin.vm.Create.AppVM dom0 name=a label=red
	> admin.vm.feature.List a
	< 0\0check-updates\n
	> admin.vm.feature.Get+check-updates a
	< 0\0
	> @work admin.vm.Create.AppVM dom0 name=b label=red
	> admin.vm.tag.List b
	< 0\0audiovm-dom0\ncreated-by-work\nguivm-dom0\n
	> admin.vm.Create.RemoteVM dom0 name=c label=red
	> admin.vm.Create.AppVM dom0 name=a label=red
	< 2\0QubesVMAlreadyExistsError\0\0Qube already exists: a\0
	END
	seen <<-'END'
	. domain-add vm=a
	a domain-tag-add:created-by-dom0 tag=created-by-dom0
	a domain-create-on-disk
	. domain-add vm=b
	b domain-tag-add:created-by-work tag=created-by-work
	b domain-create-on-disk
	. domain-add vm=c
	c domain-tag-add:created-by-dom0 tag=created-by-dom0
	c domain-create-on-disk
	END
}

@test "create: a disposable inherits settings, features and tags" {
	rows <<-'END'
	> admin.vm.property.Set+memory default-dvm 600
	> admin.vm.property.Set+netvm default-dvm
	> admin.vm.property.Set+default_dispvm default-dvm default-mgmt-dvm
	> admin.vm.feature.Set+zz default-dvm 1
	> admin.vm.feature.Set+preload-dispvm-delay default-dvm 1
	> admin.vm.tag.Set+special default-dvm
	> admin.vm.Create.DispVM+default-dvm dom0 name=d label=blue
	< 0\0
	> admin.vm.property.Get+memory d
	< 0\0default=False type=int 600
	> admin.vm.property.Get+netvm d
	< 0\0default=False type=vm 
	> admin.vm.property.Get+default_dispvm d
	< 0\0default=False type=vm default-mgmt-dvm
	> admin.vm.property.Get+label d
	< 0\0default=False type=label blue
	> admin.vm.feature.List d
	< 0\0appmenus-dispvm\nzz\n
	> admin.vm.tag.List d
	< 0\0audiovm-dom0\ncreated-by-dom0\nguivm-dom0\nspecial\n
	> admin.vm.property.Get+template_for_dispvms d
	< 2\0QubesNoSuchPropertyError\0\0Invalid property 'template_for_dispvms' of d\0
	END
}

# The name which the daemon chose for a disposable.
created() {
	local reply
	reply=$(raw "$@")
	[[ $reply =~ ^'0\0'(disp(0|[1-9][0-9]{0,3}))$ ]] || {
		echo "no disposable: $reply" >&2
		return 1
	}
	echo "${BASH_REMATCH[1]}"
}

@test "CreateDisposable: from dom0, from a template, by its uuid" {
	local d e f
	events_start
	d=$(created admin.vm.CreateDisposable dom0)
	e=$(created -s work admin.vm.CreateDisposable default-mgmt-dvm)
	seen <<-END
	. domain-add vm=$d
	$d domain-create-on-disk
	$d domain-tag-add:disp-created-by-dom0 tag=disp-created-by-dom0
	. domain-add vm=$e
	$e domain-create-on-disk
	$e domain-tag-add:created-by-work tag=created-by-work
	$e domain-tag-add:disp-created-by-work tag=disp-created-by-work
	END
	rows <<-END
	> admin.vm.property.Get+template $d
	< 0\\0default=False type=vm default-dvm
	> admin.vm.property.Get+label $d
	< 0\\0default=False type=label red
	> admin.vm.property.Get+auto_cleanup $d
	< 0\\0default=False type=bool True
	> admin.vm.property.Get+dispid $d
	< 0\\0default=False type=int ${d#disp}
	> admin.vm.tag.List $d
	< 0\\0audiovm-dom0\\ncreated-by-dom0\\ndisp-created-by-dom0\\nguivm-dom0\\n
	> admin.vm.property.Get+template $e
	< 0\\0default=False type=vm default-mgmt-dvm
	> admin.vm.property.Get+netvm $e
	< 0\\0default=False type=vm 
	END
	# dom0 means the default of the one who asks
	rows <<-'END'
	> admin.vm.property.Set+default_dispvm work default-mgmt-dvm
	END
	f=$(created -s work admin.vm.CreateDisposable dom0)
	rows <<-END
	> admin.vm.property.Get+template $f
	< 0\\0default=False type=vm default-mgmt-dvm
	END
	f=$(raw admin.vm.CreateDisposable default-dvm uuid)
	[[ $f =~ ^'0\0uuid:'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]]
}

@test "CreateDisposable: refusals" {
	rows <<-'END'
	> admin.vm.CreateDisposable default-dvm name
	< 2\0ProtocolError\0\0Invalid payload, expected empty string or 'uuid'\0
	> admin.vm.CreateDisposable default-dvm uuid\0
	< 2\0ProtocolError\0\0Invalid payload, expected empty string or 'uuid'\0
	> admin.vm.CreateDisposable+x default-dvm
	< 2\0PermissionDenied\0\0Argument not in "'', 'preload'"\0
	> admin.vm.CreateDisposable work
	< 2\0QubesException\0\0Refusing to create disposable out of app qube which has template_for_dispvms=False\0
	> admin.vm.CreateDisposable fedora-42-xfce
	< 2\0QubesException\0\0Refusing to create disposable out of app qube which has template_for_dispvms=False\0
	> admin.vm.CreateDisposable+preload default-dvm
	< 0\0
	END
}

@test "CreateDisposable: a queue of preloaded ones" {
	local first second
	rows <<-'END'
	> admin.vm.feature.Set+supported-rpc.qubes.WaitForRunningSystem fedora-42-xfce 1
	> admin.vm.feature.Set+preload-dispvm-max default-dvm 2
	> admin.vm.CreateDisposable+preload default-dvm
	< 0\0
	END
	run raw admin.vm.feature.Get+preload-dispvm default-dvm
	[[ $output =~ ^'0\0'(disp[0-9]+)' '(disp[0-9]+)$ ]]
	first=${BASH_REMATCH[1]} second=${BASH_REMATCH[2]}
	rows <<-END
	> admin.vm.property.Get+is_preload $second
	< 0\\0default=True type=bool True
	> admin.vm.CreateDisposable+preload default-dvm
	< 0\\0
	> admin.vm.feature.Get+preload-dispvm default-dvm
	< 0\\0$first $second
	END
	[[ $(raw admin.vm.CurrentState "$first") == *' power_state=Paused' ]]
	events_start
	assert_equal "$(created -s work admin.vm.CreateDisposable default-dvm)" "$first"
	seen <<-END
	default-dvm domain-feature-pre-set:preload-dispvm feature=preload-dispvm value=$second oldvalue=$first $second
	default-dvm domain-feature-set:preload-dispvm feature=preload-dispvm value=$second oldvalue=$first $second
	$first domain-pre-unpaused
	$first domain-unpaused
	default-dvm domain-preload-dispvm-used dispvm=$first delay=0
	$first domain-tag-add:created-by-work tag=created-by-work
	$first domain-tag-add:disp-created-by-work tag=disp-created-by-work
	END
	# one that is killed no longer waits
	rows <<-END
	> admin.vm.Kill $second
	> admin.vm.CreateDisposable+preload default-dvm
	END
	run raw admin.vm.feature.Get+preload-dispvm default-dvm
	[[ $output =~ ^'0\0'disp[0-9]+\ disp[0-9]+$ && $output != *"$second"* ]]
}

@test "remove: what nobody needs" {
	events_start
	rows <<-'END'
	> admin.vm.Remove untrusted
	< 0\0
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	< 0\0
	> admin.vm.Remove far
	< 0\0
	END
	seen <<-'END'
	. domain-pre-delete vm=untrusted
	. domain-delete vm=untrusted
	. domain-add vm=far
	far domain-tag-add:created-by-dom0 tag=created-by-dom0
	far domain-create-on-disk
	. domain-pre-delete vm=far
	. domain-delete vm=far
	END
	rows <<-'END'
	> admin.vm.tag.List untrusted
	< 2\0QubesVMNotFoundError\0\0No such domain: 'untrusted'\0
	END
}

@test "remove: the stream of the qube ends with its files" {
	events_start vault
	rows <<-'END'
	> admin.vm.Remove vault
	< 0\0
	END
	_await_event 'vault domain-remove-from-disk'
	assert_equal "$(<"$EVENTS_LOG")" $'. connection-established\nvault domain-remove-from-disk'
}

@test "remove: refusals" {
	local in_use="see 'journalctl -u qubesd -e' in dom0 for details"
	rows <<-'END'
	> admin.vm.property.Set+installed_by_rpm vault True
	END
	events_start
	rows <<-END
	> admin.vm.Remove+x work
	< 2\\0ProtocolError\\0\\0unexpected argument\\0
	> admin.vm.Remove work x
	< 2\\0ProtocolError\\0\\0unexpected payload\\0
	> admin.vm.Remove dom0
	< 2\\0QubesVMInUseError\\0\\0'dom0' cannot be removed\\0
	> admin.vm.Remove sys-usb
	< 2\\0QubesVMNotHaltedError\\0\\0Domain is not powered off: 'sys-usb'\\0
	> admin.vm.Remove vault
	< 2\\0QubesVMInUseError\\0\\0VM installed by package manager: vault\\0
	> admin.vm.Remove fedora-42-xfce
	< 2\\0QubesVMInUseError\\0\\0Domain is in use: 'fedora-42-xfce';  $in_use\\0
	> admin.vm.Remove default-dvm
	< 2\\0QubesVMInUseError\\0\\0Domain is in use: 'default-dvm';  $in_use\\0
	END
	seen <<-'END'
	. domain-pre-delete vm=vault
	. domain-pre-delete vm=fedora-42-xfce
	. domain-pre-delete vm=default-dvm
	END
	# each property that may name a qube; its default does not count, its value does
	rows <<-END
	> admin.vm.property.Set+provides_network work True
	> admin.vm.property.Set+template_for_dispvms work True
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	END
	local p
	for p in netvm default_dispvm guivm audiovm management_dispvm; do
		rows <<-END
		> admin.vm.property.Set+$p personal work
		> admin.vm.Remove work
		< 2\\0QubesVMInUseError\\0\\0Domain is in use: 'work';  $in_use\\0
		> admin.vm.property.Reset+$p personal
		END
	done
	rows <<-END
	> admin.vm.property.Set+relayvm far work
	> admin.vm.Remove work
	< 2\\0QubesVMInUseError\\0\\0Domain is in use: 'work';  $in_use\\0
	> admin.vm.property.Reset+relayvm far
	> admin.vm.Create.DispVM+work dom0 name=d label=red
	> admin.vm.Remove work
	< 2\\0QubesVMInUseError\\0\\0Domain is in use: 'work';  $in_use\\0
	> admin.vm.Remove d
	> admin.vm.Remove work
	< 0\\0
	END
}

@test "create and remove under 4.2 and 4.3" {
	stop_daemon
	QVMD_STATE=$BATS_TEST_TMPDIR/old start_daemon default --compat 4.3
	rows <<-'END'
	> admin.vm.Create.AppVM dom0 name=work label=red
	< 2\0QubesValueError\0\0VM work already exists\0
	> admin.vm.Create.TemplateVM+fedora-42-xfce dom0 name=x label=red
	< 2\0QubesValueError\0\0TemplateVM cannot be based on template\0
	END
	assert_equal "$(raw admin.vm.Create.AppVM dom0 name=x)" ''
	stop_daemon
	QVMD_STATE=$BATS_TEST_TMPDIR/older start_daemon default --compat 4.2
	rows <<-'END'
	> admin.vm.Remove fedora-42-xfce
	< 2\0QubesVMInUseError\0\0Domain is in use: 'fedora-42-xfce'; see 'journalctl -u qubesd -e' in dom0 for details\0
	END
	assert_equal "$(raw admin.vm.Create.RemoteVM dom0 'name=x label=red')" ''
}

@test "what was created and removed outlives the daemon" {
	local d named
	rows <<-'END'
	> admin.vm.Create.AppVM+debian-13-xfce dom0 name=kept label=orange
	> admin.vm.Create.DispVM+default-dvm dom0 name=named label=red
	> admin.vm.Remove untrusted
	> admin.vm.feature.Set+supported-rpc.qubes.WaitForRunningSystem fedora-42-xfce 1
	END
	d=$(created admin.vm.CreateDisposable dom0)
	rows <<-'END'
	> admin.vm.feature.Set+preload-dispvm-max dom0 1
	> admin.vm.CreateDisposable+preload dom0
	END
	run raw admin.vm.feature.Get+preload-dispvm default-dvm
	assert_output --regexp '^0.0disp[0-9]+$'
	named=$(raw admin.vm.property.Get+dispid named)
	kill_daemon
	start_daemon
	rows <<-END
	> admin.vm.property.Get+template kept
	< 0\\0default=False type=vm debian-13-xfce
	> admin.vm.tag.List kept
	< 0\\0audiovm-dom0\\ncreated-by-dom0\\nguivm-dom0\\n
	> admin.vm.property.Get+dispid named
	< $named
	> admin.vm.List $d
	< 2\\0QubesVMNotFoundError\\0\\0No such domain: '$d'\\0
	END
	# disposables that clean up after themselves went with the run that they belonged to, those that wait too
	run raw admin.vm.List dom0
	refute_output --regexp 'ndisp[0-9]'
	run raw admin.vm.feature.Get+preload-dispvm default-dvm
	assert_output --partial QubesFeatureNotFoundError
	rows <<-'END'
	> admin.vm.tag.List untrusted
	< 2\0QubesVMNotFoundError\0\0No such domain: 'untrusted'\0
	END
}
