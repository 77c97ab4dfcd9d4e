#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Pools and volumes, all that is answered at once (admin-api 2.9, 2.10, 2.15, 7).

load lib/common
load lib/rows
load lib/storage

@test "--list-methods: the rows of admin-api 2.9, 2.10 and 2.15" {
	expect 0 'qvmd --list-methods | grep "^admin\.\(pool\|vm\.volume\)\." | cut -f-5 | sort' "$(sort <<-'END' | tr -s ' ' '\t'
		admin.pool.Add S23N 0 + +
		admin.pool.Info S23N 0 + -
		admin.pool.List S23N 0 - -
		admin.pool.ListDrivers S23N 0 - -
		admin.pool.Remove S23N 0 + -
		admin.pool.Set.ephemeral_volatile -23N 0 + +
		admin.pool.Set.revisions_to_keep S23N 0 + +
		admin.pool.UsageDetails -23N 0 + -
		admin.pool.volume.CloneFrom S--- 0 + +
		admin.pool.volume.CloneTo S--- 0 + +
		admin.pool.volume.Import S--- 0 + +
		admin.pool.volume.Info S--- 0 + +
		admin.pool.volume.List S23N 0 + -
		admin.pool.volume.ListSnapshots S--- 0 + +
		admin.pool.volume.Resize S--- 0 + +
		admin.pool.volume.Revert S--- 0 + +
		admin.pool.volume.Set.revisions_to_keep S--- 0 + +
		admin.pool.volume.Snapshot S--- 0 + +
		admin.vm.volume.Clear S23N * + -
		admin.vm.volume.CloneFrom S23N * + -
		admin.vm.volume.CloneTo S23N * + +
		admin.vm.volume.Import S23N * + +
		admin.vm.volume.ImportWithSize S23N * + +
		admin.vm.volume.Info S23N * + -
		admin.vm.volume.List S23N * - -
		admin.vm.volume.ListSnapshots S23N * + -
		admin.vm.volume.Resize S23N * + +
		admin.vm.volume.Revert S23N * + +
		admin.vm.volume.Set.ephemeral -23N * + +
		admin.vm.volume.Set.revisions_to_keep S23N * + +
		admin.vm.volume.Set.rw -23N * + +
		admin.vm.volume.Snapshot S--- * + -
	END
	)"$'\n'
}

@test "pools: list, drivers, info, usage" {
	storage_fixture
	rows <<-'END'
		> admin.pool.List dom0
		< 0\0varlibqubes\nlinux-kernel\nthin\nlinks\nplain\n
		> admin.pool.ListDrivers dom0
		< 0\0callback conf_id\nfile revisions_to_keep dir_path ephemeral_volatile\nfile-reflink revisions_to_keep dir_path setup_check ephemeral_volatile\nlinux-kernel dir_path\nlvm_thin revisions_to_keep volume_group thin_pool ephemeral_volatile\nzfs revisions_to_keep container ephemeral_volatile snap_on_start_forensics\n
		> admin.pool.Info+linux-kernel dom0
		< 0\0dir_path=/var/lib/qubes/vm-kernels\ndriver=linux-kernel\nname=linux-kernel\nincluded_in=varlibqubes\n
		> admin.pool.UsageDetails+linux-kernel dom0
		< 0\0
		> admin.pool.volume.List+linux-kernel dom0
		< 0\06.1\n6.6\n
		> admin.pool.volume.List+thin dom0
		< 0\0vg/vm-off-private\n
		> admin.pool.volume.List+plain dom0
		< 0\0appvms/alone/root\nappvms/alone/private\nappvms/off/volatile\n
		> admin.pool.volume.List+varlibqubes dom0
		< 0\0
		> admin.pool.Info+nix dom0
		< 2\0PermissionDenied\0\0Argument not in 'pools'\0
		> admin.pool.UsageDetails+nix dom0
		< 2\0PermissionDenied\0\0Argument not in 'pools'\0
		> admin.pool.volume.List+nix dom0
		< 2\0PermissionDenied\0\0Argument not in 'pools'\0
		> admin.pool.Info dom0
		< 2\0ProtocolError\0\0expected an argument\0
		> admin.pool.Info+thin off
		< 2\0ProtocolError\0\0expected destination to be AdminVM\0
	END
	# sizes are those of the file system, usage of a thin pool that of its volumes
	size=$(($(stat -f -c '%b * %S' "$QVMD_STATE")))
	expect 0 'lines admin.pool.Info+thin dom0' "driver=lvm_thin
ephemeral_volatile=False
name=thin
revisions_to_keep=2
thin_pool=tp
volume_group=vg
size=$size
usage=65536
"
	expect 0 'lines admin.pool.UsageDetails+thin dom0' "data_size=$size
data_usage=65536
metadata_size=$((size / 1024))
metadata_usage=64
"
	expect 0 'lines admin.pool.Info+plain dom0 | grep -v ^usage=' "dir_path=/mnt/plain
driver=file
ephemeral_volatile=True
name=plain
revisions_to_keep=1
size=$size
"
	expect 0 'lines admin.pool.UsageDetails+links dom0 | sed "s/usage=.*/usage=/"' "data_size=$size
data_usage=
"
}

@test "pools: add, set, remove, their events" {
	storage_fixture
	events_start
	rows <<-'END'
		> admin.pool.Add+file-reflink dom0 name=p1\ndir_path=/srv/p1\nephemeral_volatile=yes\nrevisions_to_keep=5\nsetup_check=no\n
		< 0\0
		> admin.pool.Add+lvm_thin dom0 thin_pool=t\nvolume_group=g\nname=p2
		< 0\0
		> admin.pool.Add+linux-kernel dom0 name=p3\ndir_path=/srv/p1/kernels\n
		< 0\0
		> admin.pool.List dom0
		< 0\0varlibqubes\nlinux-kernel\nthin\nlinks\nplain\np1\np2\np3\n
		> admin.pool.Info+p3 dom0
		< 0\0dir_path=/srv/p1/kernels\ndriver=linux-kernel\nname=p3\nincluded_in=p1\n
		> admin.pool.Set.revisions_to_keep+p1 dom0 0
		< 0\0
		> admin.pool.Set.ephemeral_volatile+p2 dom0 ON
		< 0\0
		> admin.pool.Set.ephemeral_volatile+linux-kernel dom0 1
		< 0\0
		> admin.pool.Set.revisions_to_keep+linux-kernel dom0 0
		< 0\0
		> admin.pool.Remove+p3 dom0
		< 0\0
	END
	expect 0 'lines admin.pool.Info+p1 dom0 | grep -v -e ^size -e ^usage' $'dir_path=/srv/p1\ndriver=file-reflink\nephemeral_volatile=True\nname=p1\nrevisions_to_keep=0\n'
	expect 0 'lines admin.pool.Info+p2 dom0 | grep -v -e ^size' $'driver=lvm_thin\nephemeral_volatile=True\nname=p2\nrevisions_to_keep=1\nthin_pool=t\nvolume_group=g\nusage=0\n'
	seen <<-'END'
		. pool-add pool=p1
		. pool-add pool=p2
		. pool-add pool=p3
		. pool-pre-delete pool=p3
		. pool-delete pool=p3
	END
	# all of it is there after a power cut
	kill_daemon
	storage_fixture
	expect 0 'raw admin.pool.List dom0' '0\0varlibqubes\nlinux-kernel\nthin\nlinks\nplain\np1\np2\n'$'\n'
	expect 0 'lines admin.pool.Info+p1 dom0 | grep -e ^rev -e ^eph' $'ephemeral_volatile=True\nrevisions_to_keep=0\n'
}

@test "pools: refusals" {
	storage_fixture
	local set=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789
	events_start
	rows <<-END
		> admin.pool.Add+nix dom0 name=p
		< 2\\0PermissionDenied\\0\\0Argument not in 'available drivers'\\0
		> admin.pool.Add dom0 name=p
		< 2\\0ProtocolError\\0\\0expected an argument\\0
		> admin.pool.Add+file dom0
		< 2\\0ProtocolError\\0\\0expected payload\\0
		> admin.pool.Add+file dom0 name=\\xe9
		< 2\\0ProtocolError\\0\\0Pool parameters contains non-ASCII characters\\0
		> admin.pool.Add+file dom0 name=p\\0x\\ndir_path=/x
		< 2\\0ProtocolError\\0\\0Pool parameters contains non-ASCII characters\\0
		> admin.pool.Add+file dom0 name=p\\nx
		< 2\\0ProtocolError\\0\\0Options must be separated by equal sign\\0
		> admin.pool.Add+file dom0 name=p\\n\\ndir_path=/x
		< 2\\0ProtocolError\\0\\0Options must be separated by equal sign\\0
		> admin.pool.Add+file dom0 name=p\\nname=q
		< 2\\0ProtocolError\\0\\0Options must be unique\\0
		> admin.pool.Add+file dom0 dir_path=/x
		< 2\\0ProtocolError\\0\\0Pool configuration must contain key: name\\0
		> admin.pool.Add+file dom0 dir_path=/x\\nname=a/b
		< 2\\0ProtocolError\\0\\0Pool name must be in safe set: ${set}-_.\\0
		> admin.pool.Add+file dom0 dir_path=/x\\nname=
		< 2\\0ProtocolError\\0\\0Pool name must be in safe set: ${set}-_.\\0
		> admin.pool.Add+file dom0 name=p\\ndir_path=/x\\nthin_pool=y
		< 2\\0ProtocolError\\0\\0Unexpected driver options found\\0
		> admin.pool.Add+file dom0 name=p\\ndriver=file\\ndir_path=/x
		< 2\\0ProtocolError\\0\\0Unexpected driver options found\\0
		> admin.pool.Add+file dom0 name=p
		< 2\\0QubesException\\0\\0missing required driver options: dir_path\\0
		> admin.pool.Add+lvm_thin dom0 name=p\\nrevisions_to_keep=1
		< 2\\0QubesException\\0\\0missing required driver options: volume_group thin_pool\\0
		> admin.pool.Add+file dom0 name=thin\\ndir_path=/x
		< 2\\0QubesPoolInUseError\\0\\0Storage pool is in use: 'thin'\\0
		> admin.pool.Add+file dom0 name=p\\ndir_path=/x\\nrevisions_to_keep=two
		< 2\\0ProtocolError\\0\\0Revisions to keep contains non ASCII digits\\0
		> admin.pool.Add+file dom0 name=p\\ndir_path=/x\\nrevisions_to_keep=2
		< 2\\0QubesValueError\\0\\0FilePool supports maximum 1 volume revision to keep\\0
		> admin.pool.Add+file dom0 name=p\\ndir_path=/x\\nephemeral_volatile=maybe
		< 2\\0QubesValueError\\0\\0Invalid literal for boolean property: 'maybe'\\0
		> admin.pool.Add+file dom0 name=p\\ndir_path=x
		< 2\\0QubesValueError\\0\\0dir_path must be an absolute path of at most 1024 bytes\\0
		> admin.pool.Add+lvm_thin dom0 name=p\\nvolume_group=../x\\nthin_pool=y
		< 2\\0QubesValueError\\0\\0volume_group is not the name of a volume group\\0
		> admin.pool.Add+zfs dom0 name=p\\ncontainer=x
		< 2\\0QubesException\\0\\0Driver zfs is not available here: there is no ZFS\\0
		> admin.pool.Add+callback dom0 name=p\\nconf_id=x
		< 2\\0QubesException\\0\\0Driver callback is not available here: it runs programs of dom0\\0
		> admin.pool.Set.revisions_to_keep+nix dom0 1
		< 2\\0PermissionDenied\\0\\0Argument not in 'pools'\\0
		> admin.pool.Set.revisions_to_keep+links dom0
		< 2\\0ProtocolError\\0\\0expected payload\\0
		> admin.pool.Set.revisions_to_keep+links dom0 -2
		< 2\\0ProtocolError\\0\\0Value can't be lower than -1\\0
		> admin.pool.Set.revisions_to_keep+links dom0 1x
		< 2\\0ProtocolError\\0\\0Revisions to keep contains non ASCII digits\\0
		> admin.pool.Set.revisions_to_keep+links dom0 +1
		< 2\\0ProtocolError\\0\\0Revisions to keep contains non ASCII digits\\0
		> admin.pool.Set.revisions_to_keep+links dom0 01
		< 2\\0ProtocolError\\0\\0Revisions to keep contains spurious leading zeros\\0
		> admin.pool.Set.revisions_to_keep+links dom0 12345678901234567890
		< 2\\0ProtocolError\\0\\0Revisions to keep is bigger than 19 decimal digits\\0
		> admin.pool.Set.revisions_to_keep+links dom0 9999999999999999999
		< 2\\0ProtocolError\\0\\0Revisions to keep is too big\\0
		> admin.pool.Set.revisions_to_keep+plain dom0 2
		< 2\\0QubesValueError\\0\\0FilePool supports maximum 1 volume revision to keep\\0
		> admin.pool.Set.revisions_to_keep+linux-kernel dom0 1
		< 2\\0QubesValueError\\0\\0LinuxKernel supports only revisions_to_keep=0\\0
		> admin.pool.Set.revisions_to_keep+linux-kernel dom0 -1
		< 2\\0QubesValueError\\0\\0LinuxKernel supports only revisions_to_keep=0\\0
		> admin.pool.Set.ephemeral_volatile+links dom0 2
		< 2\\0ProtocolError\\0\\0Payload is not boolean ASCII\\0
		> admin.pool.Set.ephemeral_volatile+nix dom0 1
		< 2\\0PermissionDenied\\0\\0Argument not in 'pools'\\0
		> admin.pool.Remove+nix dom0
		< 2\\0PermissionDenied\\0\\0Argument not in 'pools'\\0
		> admin.pool.Remove+thin dom0
		< 2\\0QubesPoolInUseError\\0\\0Storage pool is in use: 'thin'\\0
		> admin.pool.Remove+linux-kernel dom0
		< 2\\0QubesPoolInUseError\\0\\0Storage pool is in use: 'linux-kernel'\\0
		> admin.pool.Remove+varlibqubes dom0 x
		< 2\\0ProtocolError\\0\\0unexpected payload\\0
		> admin.pool.Remove+varlibqubes dom0
		< 0\\0
	END
	seen <<-'END'
		. pool-pre-delete pool=varlibqubes
		. pool-delete pool=varlibqubes
	END
	stop_daemon
	QVMD_STATE=$BATS_TEST_TMPDIR/other
	start_daemon empty
	rows <<-'END'
		> admin.pool.Remove+varlibqubes dom0
		< 2\0QubesPoolInUseError\0\0Storage pool is in use: set as default_pool\0
		> admin.pool.Remove+linux-kernel dom0
		< 2\0QubesPoolInUseError\0\0Storage pool is in use: set as default_pool_kernel\0
	END
}

@test "volumes: which there are, and their info" {
	storage_fixture
	rows <<-'END'
		> admin.vm.volume.List off
		< 0\0root\nprivate\nvolatile\nkernel\n
		> admin.vm.volume.List dom0
		< 0\0
		> admin.vm.volume.List far
		< 0\0
		> admin.vm.volume.Info+root tpl
		< 0\0pool=links\nvid=vm-templates/tpl/root\nsize=10737418240\nusage=1048576\nrw=True\nsource=\npath=/mnt/links/vm-templates/tpl/root-dirty.img\nsave_on_stop=True\nsnap_on_start=False\nrevisions_to_keep=3\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+root off
		< 0\0pool=links\nvid=appvms/off/root\nsize=10737418240\nusage=0\nrw=True\nsource=vm-templates/tpl/root\npath=/mnt/links/appvms/off/root-dirty.img\nsave_on_stop=False\nsnap_on_start=True\nrevisions_to_keep=3\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+private off
		< 0\0pool=thin\nvid=vg/vm-off-private\nsize=8388608\nusage=65536\nrw=True\nsource=\npath=/dev/vg/vm-off-private\nsave_on_stop=True\nsnap_on_start=False\nrevisions_to_keep=2\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+volatile off
		< 0\0pool=plain\nvid=appvms/off/volatile\nsize=1000\nusage=0\nrw=True\nsource=\npath=/mnt/plain/appvms/off/volatile.img\nsave_on_stop=False\nsnap_on_start=False\nrevisions_to_keep=0\nephemeral=True\nis_outdated=False\n
		> admin.vm.volume.Info+volatile on
		< 0\0pool=links\nvid=appvms/on/volatile\nsize=10737418240\nusage=0\nrw=True\nsource=\npath=/mnt/links/appvms/on/volatile-dirty.img\nsave_on_stop=False\nsnap_on_start=False\nrevisions_to_keep=3\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+kernel off
		< 0\0pool=linux-kernel\nvid=6.6\nsize=0\nusage=0\nrw=False\nsource=\npath=/var/lib/qubes/vm-kernels/6.6/modules.img\nsave_on_stop=False\nsnap_on_start=False\nrevisions_to_keep=0\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+root disp
		< 0\0pool=links\nvid=appvms/disp/root\nsize=10737418240\nusage=0\nrw=True\nsource=vm-templates/tpl/root\npath=/mnt/links/appvms/disp/root-dirty.img\nsave_on_stop=False\nsnap_on_start=True\nrevisions_to_keep=3\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+private disp
		< 0\0pool=links\nvid=appvms/disp/private\nsize=2147483648\nusage=0\nrw=True\nsource=appvms/dvm/private\npath=/mnt/links/appvms/disp/private-dirty.img\nsave_on_stop=False\nsnap_on_start=True\nrevisions_to_keep=3\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+volatile disp
		< 0\0pool=links\nvid=appvms/disp/volatile\nsize=12884901888\nusage=0\nrw=True\nsource=\npath=/mnt/links/appvms/disp/volatile-dirty.img\nsave_on_stop=False\nsnap_on_start=False\nrevisions_to_keep=3\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+root alone
		< 0\0pool=plain\nvid=appvms/alone/root\nsize=10737418240\nusage=0\nrw=True\nsource=\npath=/mnt/plain/appvms/alone/root.img\nsave_on_stop=True\nsnap_on_start=False\nrevisions_to_keep=1\nephemeral=False\nis_outdated=False\n
		> admin.pool.volume.Info+linux-kernel dom0 6.1
		< 0\0pool=linux-kernel\nvid=6.1\nsize=0\nusage=0\nrw=False\nsource=\npath=/var/lib/qubes/vm-kernels/6.1/modules.img\nsave_on_stop=False\nsnap_on_start=False\nrevisions_to_keep=0\nephemeral=False\nis_outdated=False\n
		> admin.pool.volume.Info+thin dom0 vg/vm-off-private
		< 0\0pool=thin\nvid=vg/vm-off-private\nsize=8388608\nusage=65536\nrw=True\nsource=\npath=/dev/vg/vm-off-private\nsave_on_stop=True\nsnap_on_start=False\nrevisions_to_keep=2\nephemeral=False\nis_outdated=False\n
		> admin.vm.property.Set+kernel off
		< 0\0
		> admin.vm.volume.Info+kernel off
		< 0\0pool=linux-kernel\nvid=\nsize=0\nusage=0\nrw=False\nsource=\npath=\nsave_on_stop=False\nsnap_on_start=False\nrevisions_to_keep=0\nephemeral=False\nis_outdated=False\n
		> admin.vm.volume.Info+nix off
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> admin.vm.volume.Info+root dom0
		< 2\0PermissionDenied\0\0Argument not in 'dom0 volumes'\0
		> admin.vm.volume.Info+root far
		< 2\0PermissionDenied\0\0Argument not in 'far volumes'\0
		> admin.vm.volume.Info off
		< 2\0ProtocolError\0\0expected an argument\0
		> admin.pool.volume.Info+thin dom0 vg/vm-on-private
		< 2\0QubesVolumeNotFoundError\0\0No such volume: 'vg/vm-on-private'\0
		> admin.pool.volume.Info+nix dom0 x
		< 2\0PermissionDenied\0\0Argument not in 'pools'\0
		> admin.pool.volume.Info+linux-kernel dom0 6.2
		< 2\0QubesVolumeNotFoundError\0\0No such volume: '6.2'\0
	END
	# the bytes of a kernel count
	mkdir -p "$QVMD_STATE/dom0/var/lib/qubes/vm-kernels/6.1"
	head -c 8192 /dev/zero | tr '\0' x >"$QVMD_STATE/dom0/var/lib/qubes/vm-kernels/6.1/modules.img"
	expect 0 'lines admin.pool.volume.Info+linux-kernel dom0 6.1 | sed -n 3,4p' $'size=8192\nusage=8192\n'
}

@test "volumes: pools of new qubes" {
	storage_fixture
	rows <<-'END'
		> admin.vm.CreateInPool.AppVM dom0 name=a1 label=red pool=thin
		> admin.vm.CreateInPool.StandaloneVM dom0 name=a2 label=red pool:root=plain pool:kernel=thin
		> admin.vm.Create.TemplateVM dom0 name=t2 label=red
		> admin.vm.Create.RemoteVM dom0 name=r2 label=red
		> admin.vm.volume.List r2
		< 0\0
		> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool=linux-kernel
		< 2\0QubesException\0\0Storage pool linux-kernel holds nothing but kernels, and no volume private\0
		> admin.vm.CreateInPool.AppVM dom0 name=x label=red pool:volatile=linux-kernel
		< 2\0QubesException\0\0Storage pool linux-kernel holds nothing but kernels, and no volume volatile\0
	END
	expect 0 'for v in root private volatile kernel; do lines admin.vm.volume.Info+$v a1 | sed -n 1,2p; done' \
		$'pool=links\nvid=appvms/a1/root\npool=thin\nvid=vg/vm-a1-private\npool=thin\nvid=vg/vm-a1-volatile\npool=linux-kernel\nvid=6.6\n'
	expect 0 'for v in root private volatile kernel; do lines admin.vm.volume.Info+$v a2 | sed -n 1,2p; done' \
		$'pool=plain\nvid=appvms/a2/root\npool=links\nvid=appvms/a2/private\npool=links\nvid=appvms/a2/volatile\npool=thin\nvid=vg/vm-a2-kernel\n'
	expect 0 'lines admin.vm.volume.Info+root t2 | sed -n 1,2p' $'pool=links\nvid=vm-templates/t2/root\n'
	# a disposable is made with volumes too
	disp=$(raw admin.vm.CreateDisposable dvm) && disp=${disp#0\\0}
	export disp
	expect 0 'lines admin.vm.volume.Info+private $disp | sed -n 1,2p' "pool=links"$'\n'"vid=appvms/$disp/private"$'\n'
	# what is removed no longer uses its pool
	rows <<-'END'
		> admin.vm.Remove a1
		> admin.vm.Remove a2
		> admin.pool.volume.List+thin dom0
		< 0\0vg/vm-off-private\n
	END
	# another template has its root elsewhere
	rows <<-'END'
		> admin.vm.CreateInPool.TemplateVM dom0 name=t3 label=red pool=thin
		> admin.vm.property.Set+template off t3
		> admin.pool.volume.List+thin dom0
		< 0\0vg/vm-off-root\nvg/vm-off-private\nvg/vm-t3-root\nvg/vm-t3-private\nvg/vm-t3-volatile\n
	END
}

@test "volumes: settings" {
	storage_fixture
	rows <<-'END'
		> admin.vm.volume.Set.revisions_to_keep+private off 7
		< 0\0
		> admin.pool.volume.Set.revisions_to_keep+thin dom0 vg/vm-off-private -1
		< 0\0
		> admin.vm.volume.Set.revisions_to_keep+private on 0
		< 0\0
		> admin.vm.volume.Set.rw+private off no
		< 0\0
		> admin.vm.volume.Set.rw+kernel off False
		< 0\0
		> admin.vm.volume.Set.ephemeral+volatile on TRUE
		< 0\0
		> admin.vm.volume.Set.ephemeral+volatile off off
		< 0\0
		> admin.vm.volume.Set.ephemeral+private off 0
		< 0\0
		> admin.vm.volume.Set.revisions_to_keep+kernel off 0
		< 0\0
	END
	check='lines admin.vm.volume.Info+private off | grep -e ^rw -e ^rev; lines admin.vm.volume.Info+volatile off | grep ^eph
		lines admin.vm.volume.Info+volatile on | grep ^eph'
	expect 0 "$check" $'rw=False\nrevisions_to_keep=-1\nephemeral=False\nephemeral=True\n'
	kill_daemon
	storage_fixture
	expect 0 "$check" $'rw=False\nrevisions_to_keep=-1\nephemeral=False\nephemeral=True\n'
	raw admin.vm.Start on >/dev/null
	rows <<-'END'
		> admin.vm.volume.Set.revisions_to_keep+private off -2
		< 2\0QubesValueError\0\0Invalid value for revisions_to_keep\0
		> admin.vm.volume.Set.revisions_to_keep+private off x
		< 2\0ProtocolError\0\0Revisions to keep contains non ASCII digits\0
		> admin.vm.volume.Set.revisions_to_keep+private off -
		< 2\0ProtocolError\0\0Revisions to keep contains non ASCII digits\0
		> admin.vm.volume.Set.revisions_to_keep+private off
		< 2\0ProtocolError\0\0expected payload\0
		> admin.vm.volume.Set.revisions_to_keep+nix off 1
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> admin.vm.volume.Set.revisions_to_keep+kernel off 1
		< 2\0QubesValueError\0\0LinuxModules supports only revisions_to_keep=0\0
		> admin.vm.volume.Set.revisions_to_keep+root alone 2
		< 2\0QubesValueError\0\0FilePool supports maximum 1 volume revision to keep\0
		> admin.vm.volume.Set.revisions_to_keep+private on -1
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'on'\0
		> admin.vm.volume.Set.revisions_to_keep+private on 2
		< 0\0
		> admin.vm.Start disp
		< 0\0
		> admin.vm.volume.Set.revisions_to_keep+private dvm -1
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'dvm'\0
		> admin.vm.Kill disp
		< 0\0
		> admin.vm.volume.Set.revisions_to_keep+private dvm -1
		< 0\0
		> admin.pool.volume.Set.revisions_to_keep+thin dom0 vg/vm-off-private
		< 2\0ProtocolError\0\0Revisions to keep contains non ASCII digits\0
		> admin.pool.volume.Set.revisions_to_keep+linux-kernel dom0 6.1 1
		< 2\0QubesValueError\0\0LinuxModules supports only revisions_to_keep=0\0
		> admin.vm.volume.Set.rw+private on 0
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'on'\0
		> admin.vm.volume.Set.rw+private off nein
		< 2\0QubesValueError\0\0Invalid literal for boolean property: 'nein'\0
		> admin.vm.volume.Set.rw+kernel off yes
		< 2\0QubesValueError\0\0LinuxModules supports only read-only volumes\0
		> admin.vm.volume.Set.rw+nix off yes
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> admin.vm.volume.Set.ephemeral+private off 1
		< 2\0QubesValueError\0\0Cannot enable ephemeral on snap_on_start or save_on_stop or non-dom0 or not writable volume\0
		> admin.vm.volume.Set.ephemeral+root off 1
		< 2\0QubesValueError\0\0Cannot enable ephemeral on snap_on_start or save_on_stop or non-dom0 or not writable volume\0
		> admin.vm.volume.Set.ephemeral+kernel off 1
		< 2\0QubesValueError\0\0Cannot enable ephemeral on snap_on_start or save_on_stop or non-dom0 or not writable volume\0
		> admin.vm.volume.Set.ephemeral+volatile off vielleicht
		< 2\0QubesValueError\0\0Invalid literal for boolean property: 'vielleicht'\0
		> admin.vm.volume.Set.ephemeral+nix off 1
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
	END
}

@test "volumes: resize" {
	storage_fixture
	rows <<-'END'
		> admin.vm.volume.Resize+private off 16777216
		< 0\0
		> admin.pool.volume.Resize+thin dom0 vg/vm-off-private \t4096\n
		< 0\0
		> admin.vm.volume.Resize+volatile on 1
		< 0\0
		> admin.vm.volume.Resize+root off 21474836480
		< 0\0
		> admin.vm.volume.Resize+private on 4294967296
		< 0\0
		> admin.vm.volume.Resize+private off 12345678901234567890
		< 2\0ProtocolError\0\0Volume size is bigger than 19 decimal digits\0
		> admin.vm.volume.Resize+private off 9999999999999999999
		< 2\0ProtocolError\0\0Volume size is too big\0
		> admin.vm.volume.Resize+private off -1
		< 2\0ProtocolError\0\0Volume size contains non ASCII digits\0
		> admin.vm.volume.Resize+private off 1 2
		< 2\0ProtocolError\0\0Volume size contains non ASCII digits\0
		> admin.vm.volume.Resize+private off \n
		< 2\0ProtocolError\0\0Volume size contains non ASCII digits\0
		> admin.vm.volume.Resize+private off 010
		< 2\0ProtocolError\0\0Volume size contains spurious leading zeros\0
		> admin.vm.volume.Resize+private off
		< 2\0ProtocolError\0\0expected payload\0
		> admin.vm.volume.Resize+nix off 1
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> admin.vm.volume.Resize+kernel off 1
		< 2\0StoragePoolException\0\0Cannot resize: 6.6 is read-only\0
		> admin.vm.volume.Set.rw+private dvm no
		< 0\0
		> admin.vm.volume.Resize+private dvm 1
		< 2\0StoragePoolException\0\0Cannot resize: appvms/dvm/private is read-only\0
		> admin.vm.volume.Resize+root off 1048576
		< 2\0StoragePoolException\0\0Cannot resize: appvms/off/root cannot be smaller than its source\0
		> admin.vm.CreateInPool.TemplateVM dom0 name=t4 label=red pool=plain
		> admin.vm.property.Set+template off t4
		> admin.vm.volume.Resize+root off 21474836480
		< 2\0StoragePoolException\0\0Cannot resize: appvms/off/root is backed by a template\0
		> admin.vm.property.Set+template off tpl
	END
	expect 0 'for v in off:private on:volatile off:root on:private; do lines admin.vm.volume.Info+${v#*:} ${v%:*} | sed -n 3p; done' \
		$'size=4096\nsize=1\nsize=21474836480\nsize=4294967296\n'
	# a copy grows with its source, and keeps a size of its own that is larger
	raw admin.vm.volume.Resize+root tpl 32212254720 >/dev/null
	expect 0 'for v in off:root on:root disp:root; do lines admin.vm.volume.Info+${v#*:} ${v%:*} | sed -n 3p; done' \
		$'size=32212254720\nsize=32212254720\nsize=32212254720\n'
}

@test "volumes: snapshots and revert" {
	storage_fixture
	snapshots='lines admin.vm.volume.ListSnapshots+private off'
	run bash -c "$snapshots"
	assert_output --regexp $'^[0-9]{10}-back\n[0-9]{10}-back$'
	old=${lines[0]}
	rows <<-END
		> admin.vm.volume.Revert+private off  $old\\n
		< 0\\0
	END
	# the first revision made room for what was there before it, and its content counts now
	run bash -c "$snapshots"
	assert_output --regexp $'^[0-9]{10}-back\n[0-9]{10}-back$'
	[[ ${lines[0]} != "$old" ]]
	expect 0 'lines admin.vm.volume.Info+private off | sed -n 3,4p' $'size=8388608\nusage=65536\n'
	rows <<-'END'
		> admin.vm.volume.Snapshot+root alone
		< 0\0old
		> admin.vm.volume.Snapshot+root alone
		< 0\0old
		> admin.vm.volume.ListSnapshots+root alone
		< 0\0old\n
		> admin.vm.volume.Snapshot+private dvm
		< 0\01
		> admin.vm.volume.Resize+private dvm 4096
		< 0\0
		> admin.pool.volume.Snapshot+links dom0 appvms/dvm/private
		< 0\02
		> admin.pool.volume.ListSnapshots+links dom0 appvms/dvm/private
		< 0\01\n2\n
		> admin.pool.volume.Revert+links dom0 appvms/dvm/private 1
		< 0\0
		> admin.vm.volume.ListSnapshots+private dvm
		< 0\01\n2\n3\n
		> admin.vm.volume.Snapshot+private dvm
		< 0\04
		> admin.vm.volume.ListSnapshots+private dvm
		< 0\02\n3\n4\n
		> admin.vm.volume.ListSnapshots+kernel off
		< 0\0
		> admin.vm.volume.ListSnapshots+root off
		< 0\0
		> admin.vm.volume.ListSnapshots+nix off
		< 2\0PermissionDenied\0\0Argument not in 'off volumes'\0
		> admin.vm.volume.Revert+private dvm 1
		< 2\0QubesVolumeRevisionNotFoundError\0\0No such revision: '1'\0
		> admin.vm.volume.Revert+private dvm
		< 2\0ProtocolError\0\0expected payload\0
		> admin.vm.volume.Revert+private dvm a/b
		< 2\0ProtocolError\0\0Revision name must be in safe set: abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\0
		> admin.vm.volume.Revert+private dvm 2\0
		< 2\0ProtocolError\0\0Revision name must be in safe set: abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\0
		> admin.vm.volume.Revert+nix dvm 2
		< 2\0PermissionDenied\0\0Argument not in 'dvm volumes'\0
		> admin.pool.volume.Revert+links dom0 nix 2
		< 2\0QubesVolumeNotFoundError\0\0No such volume: 'nix'\0
		> admin.vm.volume.Snapshot+kernel off
		< 2\0StoragePoolException\0\0Cannot take a snapshot: 6.6 keeps no revisions\0
		> admin.vm.volume.Snapshot+private on
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'on'\0
		> admin.vm.volume.Snapshot+nix on
		< 2\0PermissionDenied\0\0Argument not in 'on volumes'\0
		> admin.vm.volume.Revert+private on 1
		< 2\0StoragePoolException\0\0Cannot revert: appvms/on/private is not cleanly stopped\0
		> admin.vm.Start off
		> admin.vm.volume.Revert+private off 1
		< 2\0StoragePoolException\0\0Cannot revert dirty volume vg/vm-off-private, stop the qube first\0
	END
	expect 0 'lines admin.vm.volume.Info+private dvm | sed -n 3p' $'size=2147483648\n'
}

@test "volumes of pools: no such pool, no such volume" {
	storage_fixture
	local call
	for call in Info ListSnapshots Snapshot Revert Resize Set.revisions_to_keep Import CloneFrom CloneTo; do
		rows <<-END
			> admin.pool.volume.$call+nix dom0 vg/vm-off-private 1
			< 2\\0PermissionDenied\\0\\0Argument not in 'pools'\\0
			> admin.pool.volume.$call+thin dom0 vg/vm-off-root 1
			< 2\\0QubesVolumeNotFoundError\\0\\0No such volume: 'vg/vm-off-root'\\0
			> admin.pool.volume.$call dom0 vg/vm-off-private 1
			< 2\\0ProtocolError\\0\\0expected an argument\\0
			> admin.pool.volume.$call+thin off vg/vm-off-private 1
			< 2\\0ProtocolError\\0\\0expected destination to be AdminVM\\0
		END
		[[ $call == Import ]] || rows <<<"> admin.pool.volume.$call+thin dom0"$'\n''< 2\0ProtocolError\0\0expected payload\0'
	done
}

@test "volumes: older generations refuse in their own way" {
	storage_fixture --compat 4.3
	rows <<-'END'
		> admin.pool.Info+nix dom0
		< 
		> admin.vm.volume.Info+nix off
		< 
		> admin.pool.Add+nix dom0 name=p
		< 2\0QubesException\0\0unexpected driver name: nix\0
		> admin.pool.Add+file dom0 name=p\nx=1\ny=2\ndir_path=/p
		< 2\0QubesException\0\0unexpected driver options: x y\0
		> admin.pool.Add+file dom0 name=thin\ndir_path=/p
		< 
		> admin.pool.Add+file dom0 name=p\ndir_path=/p\ndir_path=/p
		< 
		> admin.vm.volume.CloneTo+private off nix
		< 
		> admin.vm.volume.Resize+private off 4096
		< 2\0StoragePoolException\0\0For your own safety, shrinking of private is disabled (4096 < 8388608). If you really know what you are doing, shrink its file system first.\0
		> admin.vm.volume.Resize+private off 8388608
		< 0\0
	END
	stop_daemon
	storage_fixture --compat 4.2
	rows <<-'END'
		> admin.vm.volume.Set.revisions_to_keep+private off -1
		< 2\0QubesValueError\0\0Invalid value for revisions_to_keep\0
	END
}

@test "a store of version 1 gets volumes" {
	mkdir "$BATS_TEST_TMPDIR/state"
	gzip -dc "$BATS_TEST_DIRNAME/fixtures/store-1.sqlite.gz" >"$BATS_TEST_TMPDIR/state/qvmd.sqlite"
	for round in 1 2; do
		start_daemon empty
		expect 0 'for q in app tpl named alone; do for v in root private volatile kernel; do
			echo $q $v $(lines admin.vm.volume.Info+$v $q | sed -n 1,3p); done; done' "app root pool=vm-pool vid=qubes_dom0/vm-app-root size=10737418240
app private pool=second vid=appvms/app/private size=2147483648
app volatile pool=varlibqubes vid=appvms/app/volatile size=10737418240
app kernel pool=linux-kernel vid=6.6.77-1.fc37 size=0
tpl root pool=vm-pool vid=qubes_dom0/vm-tpl-root size=10737418240
tpl private pool=vm-pool vid=qubes_dom0/vm-tpl-private size=2147483648
tpl volatile pool=vm-pool vid=qubes_dom0/vm-tpl-volatile size=10737418240
tpl kernel pool=linux-kernel vid=6.6.77-1.fc37 size=0
named root pool=vm-pool vid=qubes_dom0/vm-named-root size=10737418240
named private pool=vm-pool vid=qubes_dom0/vm-named-private size=2147483648
named volatile pool=vm-pool vid=qubes_dom0/vm-named-volatile size=12884901888
named kernel pool=linux-kernel vid=6.6.77-1.fc37 size=0
alone root pool=vm-pool vid=qubes_dom0/vm-alone-root size=10737418240
alone private pool=vm-pool vid=qubes_dom0/vm-alone-private size=2147483648
alone volatile pool=vm-pool vid=qubes_dom0/vm-alone-volatile size=10737418240
alone kernel pool=linux-kernel vid=6.6.77-1.fc37 size=0
"
		expect 0 'raw admin.vm.notes.Get app; raw admin.vm.volume.List far; lines admin.pool.Info+second dom0 | grep -v -e ^size -e ^usage' \
			$'0\\0kept\n0\\0\ndir_path=/mnt/second\ndriver=file\nephemeral_volatile=False\nname=second\nrevisions_to_keep=1\n'
		[ $round = 2 ] || kill_daemon
	done
}
