#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In place of qrexec-client and qrexec-client-vm. Logs its arguments to QREXEC_LOG, a line per call in brackets, newlines
# as \n; then does what the shell code QREXEC_DO says (it sees $dest, $service and $prefix), or nothing.
set -u
line=
for arg; do
	line+="[${arg//$'\n'/\\n}]"
done
printf '%s\n' "$line" >>"$QREXEC_LOG"
dest='' service='' prefix=''
while (($#)); do
	case $1 in
	-d) dest=$2 && shift ;;
	-p) prefix=$2 && shift ;;
	-w) shift ;;
	-*) ;;
	*QUBESRPC*) service=${1#*QUBESRPC } service=${service% dom0} ;;
	*) if [ -z "$dest" ]; then dest=$1; else service=$1; fi ;;
	esac
	shift
done
export dest service prefix
eval "${QREXEC_DO:-:}"
