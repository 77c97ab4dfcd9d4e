# SPDX-License-Identifier: GPL-2.0-or-later
# The calls of a clone of debian-12 (tools-config 11.1), for the tools that make one. Needs lib/appendix.
# shellcheck shell=bash

# The source of a clone: a template with a bit of everything.
clone_script() {
	cat <<-'END'
		> admin.vm.property.GetAll+ debian-12
		< 0\0autostart default=True type=bool False\nmemory default=False type=int 500\nname default=False type=str debian-12\nqid default=False type=int 3\nlabel default=False type=label black\nuuid default=False type=str x\ninstalled_by_rpm default=False type=bool True\nvcpus default=False type=int 2\nkernelopts default=False type=str a\\\\b\\nc\nnetvm default=False type=vm \naudiovm default=False type=vm nope\n
		> admin.vm.Create.StandaloneVM+ dom0 *
		< 0\0
		> admin.vm.CreateInPool.StandaloneVM+ dom0 *
		< 0\0
		> admin.vm.property.Set+memory nn *
		< 0\0
		> admin.vm.property.Set+vcpus nn *
		< 2\0QubesNoSuchPropertyError\0\0Invalid property 'vcpus' of nn\0
		> admin.vm.property.Set+kernelopts nn *
		< 0\0
		> admin.vm.property.Set+netvm nn *
		< close
		> admin.vm.property.Set+audiovm nn *
		< 2\0PermissionDenied\0\0no\0
		> admin.vm.tag.List+ debian-12
		< 0\0created-by-dom0\nt1\nt2\n
		> admin.vm.tag.Set+t1 nn
		< 0\0
		> admin.vm.tag.Set+t2 nn
		< 0\0
		> admin.vm.feature.List+ debian-12
		< 0\0f\npreload-dispvm\npreload-dispvm-max\nempty\n
		> admin.vm.feature.Get+f debian-12
		< 0\01
		> admin.vm.feature.Get+preload-dispvm-max debian-12
		< 0\03
		> admin.vm.feature.Get+empty debian-12
		< 0\0
		> admin.vm.feature.Set+f nn *
		< 0\0
		> admin.vm.feature.Set+preload-dispvm-max nn *
		< 0\0
		> admin.vm.feature.Set+empty nn *
		< 0\0
		> admin.vm.notes.Get+ debian-12
		< 0\0a note\n
		> admin.vm.notes.Set+ nn *
		< 0\0
		> admin.vm.firewall.Get+ debian-12
		< 0\0action=accept\n
		> admin.vm.firewall.Set+ nn *
		< 0\0
		> admin.vm.volume.List+ nn
		< 0\0root\nprivate\nvolatile\nkernel\n
		> admin.vm.volume.Info+root nn
		< 0\0pool=p\nvid=v\nsave_on_stop=True\n
		> admin.vm.volume.Info+private nn
		< 0\0pool=p\nvid=v\nsave_on_stop=True\n
		> admin.vm.volume.Info+volatile nn
		< 0\0pool=p\nvid=v\nsave_on_stop=False\n
		> admin.vm.volume.Info+kernel nn
		< 0\0pool=p\nvid=v\nsave_on_stop=False\n
		> admin.vm.volume.CloneFrom+root debian-12
		< 0\0token0
		> admin.vm.volume.CloneTo+root nn *
		< 0\0
		> admin.deviceclass.List+ dom0
		< 0\0pci\nblock\n
		> admin.vm.device.block.Assigned+ debian-12
		< 0\0sys-usb+sda:* device_id='*' port_id='sda' devclass='block' backend_domain='sys-usb' mode='required' frontend_domain='debian-12' _read-only='yes' _x='it\\'s'\n
		> admin.vm.device.pci.Assigned+ debian-12
		< 0\0dom0+*:0x8086:0x4621::p060000 device_id='0x8086:0x4621::p060000' port_id='*' devclass='pci' backend_domain='dom0' mode='required'\n
		> admin.vm.device.block.Assign+sys-usb+sda+_ nn *
		< 0\0
		> admin.vm.device.pci.Assign+dom0+_+0x8086+0x4621++p060000 nn *
		< 0\0
		> admin.vm.property.Set+label nn *
		< 0\0
		> admin.vm.property.Set+debug nn *
		< 0\0
		> admin.vm.Remove+ nn
		< 0\0
	END
}

# clone_changed: the clone script with the answers of standard input in place of its own.
clone_changed() {
	local d=$BATS_TEST_TMPDIR
	cat >"$d/first"
	start_appendix < <({ cat "$d/first"; clone_script; } |
		awk '/^>/ { skip = ($2 " " $3) in seen; seen[$2 " " $3] = 1 } !skip')
}

# The changes that the last command asked for, without reads.
changes() { calls | tr -d '\0' | grep -vE '\.(List|Get|GetAll|Info|Assigned)\+'; }
