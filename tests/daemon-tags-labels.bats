#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Tags, notes and labels as the daemon serves them (admin-api 2.7, 2.8, 6.2, 6.5).

load lib/common
load lib/rows

setup() { start_daemon; }

@test "tags: list, get, set, remove" {
	rows <<-'END'
	> admin.vm.tag.List work
	< 0\0audiovm-dom0\ncreated-by-dom0\nguivm-dom0\n
	> admin.vm.tag.Set+zz work
	< 0\0
	> admin.vm.tag.Set+Aa_-9 work
	< 0\0
	> admin.vm.tag.Set+zz work
	< 0\0
	> admin.vm.tag.List work
	< 0\0Aa_-9\naudiovm-dom0\ncreated-by-dom0\nguivm-dom0\nzz\n
	> admin.vm.tag.Get+zz work
	< 0\01
	> admin.vm.tag.Get+z work
	< 0\00
	> admin.vm.tag.Remove+zz work
	< 0\0
	> admin.vm.tag.Get+zz work
	< 0\00
	> admin.vm.tag.List dom0
	< 0\0
	> admin.vm.tag.Set+x dom0
	< 0\0
	> admin.vm.tag.List dom0
	< 0\0x\n
	END
}

@test "tags: refusals" {
	rows <<-'END'
	> admin.vm.tag.List+x work
	< 0\0
	> admin.vm.tag.List work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.tag.Get work
	< 2\0ProtocolError\0\0expected an argument\0
	> admin.vm.tag.Set work
	< 2\0ProtocolError\0\0expected an argument\0
	> admin.vm.tag.Set+x work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.tag.Get+a.b work
	< 2\0QubesInvalidTagError\0\0disallowed characters\0
	> admin.vm.tag.Set+a:b work
	< 2\0QubesInvalidTagError\0\0disallowed characters\0
	> admin.vm.tag.Remove+a.b work
	< 2\0QubesInvalidTagError\0\0disallowed characters\0
	> admin.vm.tag.Remove+nix work
	< 2\0QubesTagNotFoundError\0\0Tag not set for domain work: nix\0
	> @work admin.vm.tag.Set+created-by-work vault
	< 2\0PermissionDenied\0\0changing this tag is prohibited by qubes.ext.admin.AdminExtension\0
	> @work admin.vm.tag.Remove+created-by-dom0 vault
	< 2\0PermissionDenied\0\0changing this tag is prohibited by qubes.ext.admin.AdminExtension\0
	> admin.vm.tag.Set+created-by-nobody work
	< 2\0QubesVMNotFoundError\0\0No such domain: 'nobody'\0
	> admin.vm.tag.Get+created-by-nobody work
	< 0\00
	> admin.vm.tag.Set+created-by-work vault
	< 0\0
	> admin.vm.tag.Remove+created-by-dom0 vault
	< 0\0
	END
}

@test "tags: events" {
	events_start
	rows <<-'END'
	> admin.vm.tag.Set+t work
	> admin.vm.tag.Set+t work
	> admin.vm.tag.Remove+t work
	END
	seen <<-'END'
	work domain-tag-add:t tag=t
	work domain-tag-delete:t tag=t
	END
	# What the creator asks for comes before the tag that says who created it.
	rows <<-'END'
	> admin.vm.feature.Set+tag-created-vm-with work one two bad.tag
	> admin.vm.feature.Set+set-created-guivm work work
	> admin.vm.tag.Set+created-by-work vault
	> admin.vm.property.Get+guivm vault
	< 0\0default=False type=vm work
	END
	seen <<-'END'
	work domain-feature-pre-set:tag-created-vm-with feature=tag-created-vm-with value=one two bad.tag
	work domain-feature-set:tag-created-vm-with feature=tag-created-vm-with value=one two bad.tag
	work domain-feature-pre-set:set-created-guivm feature=set-created-guivm value=work
	work domain-feature-set:set-created-guivm feature=set-created-guivm value=work
	vault domain-tag-add:one tag=one
	vault domain-tag-add:two tag=two
	vault property-pre-set:guivm name=guivm newvalue=work oldvalue=dom0
	vault domain-tag-delete:guivm-dom0 tag=guivm-dom0
	vault domain-tag-add:guivm-work tag=guivm-work
	vault property-set:guivm name=guivm newvalue=work oldvalue=dom0
	vault domain-tag-add:created-by-work tag=created-by-work
	END
}

@test "notes: set, get, replace, delete" {
	events_start
	rows <<-'END'
	> admin.vm.notes.Get work
	< 0\0
	> admin.vm.notes.Set work one\n\ttwo \xc3\xa9
	< 0\0
	> admin.vm.notes.Get work
	< 0\0one\n\ttwo \xc3\xa9
	> admin.vm.notes.Set work a\x1b[31m\rb\x7fc\xe2\x80\xaed\0e
	< 0\0
	> admin.vm.notes.Get work
	< 0\0a_[31m_b_c_d_e
	> admin.vm.notes.Set work
	< 0\0
	> admin.vm.notes.Get work
	< 0\0
	END
	seen </dev/null
}

@test "notes: refusals" {
	rows <<-'END'
	> admin.vm.notes.Get dom0
	< 2\0ProtocolError\0\0expected destination to not be AdminVM\0
	> admin.vm.notes.Set dom0 x
	< 2\0ProtocolError\0\0expected destination to not be AdminVM\0
	> admin.vm.notes.Get+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.notes.Set+x work x
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.notes.Set work ab\xff
	< 2\0ProtocolError\0\0Unable to sanitise qube notes: 'utf-8' codec can't decode byte 0xff in position 2: invalid start byte\0
	> admin.vm.notes.Set work \xc3x
	< 2\0ProtocolError\0\0Unable to sanitise qube notes: 'utf-8' codec can't decode byte 0xc3 in position 0: invalid continuation byte\0
	> admin.vm.notes.Set work \xe2\x82
	< 2\0ProtocolError\0\0Unable to sanitise qube notes: 'utf-8' codec can't decode byte 0xe2 in position 0: unexpected end of data\0
	> admin.vm.notes.Get work
	< 0\0
	END
}

@test "labels: list, get, index, create, remove" {
	events_start
	rows <<-'END'
	> admin.label.List dom0
	< 0\0red\norange\nyellow\ngreen\ngray\nblue\npurple\nblack\n
	> admin.label.Get+red dom0
	< 0\00xcc0000
	> admin.label.Get+1 dom0
	< 0\00xcc0000
	> admin.label.Index+black dom0
	< 0\08
	> admin.label.Index+8 dom0
	< 0\08
	> admin.label.Create+cyan dom0 0x00FfFf
	< 0\0
	> admin.label.Create+my.own_la-bel dom0 \x20\n0x010203\t
	< 0\0
	> admin.label.Index+cyan dom0
	< 0\09
	> admin.label.Get+cyan dom0
	< 0\00x00FfFf
	> admin.label.Index+my.own_la-bel dom0
	< 0\010
	> admin.label.Get+10 dom0
	< 0\00x010203
	> admin.label.List dom0
	< 0\0red\norange\nyellow\ngreen\ngray\nblue\npurple\nblack\ncyan\nmy.own_la-bel\n
	> admin.label.Remove+9 dom0
	< 0\0
	> admin.label.Create+next dom0 0x000000
	< 0\0
	> admin.label.Index+next dom0
	< 0\011
	> admin.label.Remove+next dom0
	< 0\0
	> admin.label.List dom0
	< 0\0red\norange\nyellow\ngreen\ngray\nblue\npurple\nblack\nmy.own_la-bel\n
	END
	seen </dev/null
}

@test "labels: refusals" {
	local set=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.
	rows <<-END
	> admin.label.List work
	< 2\\0ProtocolError\\0\\0expected destination to be AdminVM\\0
	> admin.label.List+x dom0
	< 0\\0
	> admin.label.Get dom0
	< 2\\0ProtocolError\\0\\0expected an argument\\0
	> admin.label.Create+x dom0
	< 2\\0ProtocolError\\0\\0expected payload\\0
	> admin.label.Get+nix dom0
	< 2\\0QubesLabelNotFoundError\\0\\0Label does not exist: nix\\0
	> admin.label.Get+9 dom0
	< 2\\0QubesLabelNotFoundError\\0\\0Label does not exist: 9\\0
	> admin.label.Index+nix dom0
	< 2\\0QubesLabelNotFoundError\\0\\0Label does not exist: nix\\0
	> admin.label.Remove+nix dom0
	< 2\\0QubesLabelNotFoundError\\0\\0Label does not exist: nix\\0
	> admin.label.Get+a:b dom0
	< 2\\0QubesInvalidLabelError\\0\\0Label must be in safe set: $set\\0
	> admin.label.Create+a:b dom0 0x000000
	< 2\\0QubesInvalidLabelError\\0\\0Label must be in safe set: $set\\0
	> admin.label.Create+12 dom0 0x000000
	< 2\\0QubesInvalidLabelError\\0\\0Label must not be a digit\\0
	> admin.label.Create+red dom0 0x000000
	< 2\\0QubesLabelInUseError\\0\\0Label is still in use: 'red'\\0
	> admin.label.Create+x dom0 \\x20\\n
	< 2\\0QubesInvalidLabelValueError\\0\\0Label value must be set\\0
	> admin.label.Create+x dom0 0x\\xff00000
	< 2\\0QubesInvalidLabelValueError\\0\\0Label value must be encoded in ASCII\\0
	> admin.label.Create+x dom0 0x00000
	< 2\\0QubesInvalidLabelValueError\\0\\0Label value must have length of 8\\0
	> admin.label.Create+x dom0 00000000
	< 2\\0QubesInvalidLabelValueError\\0\\0Label value must start with: 0x\\0
	> admin.label.Create+x dom0 0x00000g
	< 2\\0QubesInvalidLabelValueError\\0\\0Label value must only contain hexadecimal digits after prefix: 0123456789abcdefABCDEF\\0
	> admin.label.Remove+red dom0
	< 2\\0ProtocolError\\0\\0Can only remove custom labels\\0
	> admin.label.Remove+8 dom0
	< 2\\0ProtocolError\\0\\0Can only remove custom labels\\0
	> admin.label.Create+mine dom0 0x000000
	> admin.vm.property.Set+label work mine
	> admin.label.Remove+mine dom0
	< 2\\0QubesLabelInUseError\\0\\0Label is still in use: 'mine'\\0
	END
}

@test "tags, notes and labels outlive the daemon" {
	rows <<-'END'
	> admin.vm.tag.Set+kept work
	> admin.vm.tag.Remove+guivm-dom0 work
	> admin.vm.notes.Set work kept\n
	> admin.label.Create+mine dom0 0x112233
	END
	kill_daemon
	start_daemon
	rows <<-'END'
	> admin.vm.tag.List work
	< 0\0audiovm-dom0\ncreated-by-dom0\nkept\n
	> admin.vm.notes.Get work
	< 0\0kept\n
	> admin.label.Get+9 dom0
	< 0\00x112233
	END
}
