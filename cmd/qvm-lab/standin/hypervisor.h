/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls of Xen's libraries that xenstored makes, with as much of their types as matters: handles are whatever we
 * return. They are found before those of the libraries (LD_PRELOAD), so the names and arguments are Xen's.
 */
#pragma once

#include <stdint.h>

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags);
int xc_interface_close(void *h);
/* Up to 4.17: fills up to max entries, of which each begins with the number of the domain, and two words of flags. */
int xc_domain_getinfo(void *h, uint32_t first, unsigned max, uint32_t *info);
/* From 4.18 on: the number in 16 bits, then in the next word flags. */
int xc_domain_getinfo_single(void *h, uint32_t domid, uint32_t *info);

void *xengnttab_open(void *logger, unsigned flags);
int xengnttab_close(void *h);
int xengnttab_set_max_grants(void *h, uint32_t n);
void *xengnttab_map_grant_ref(void *h, uint32_t domid, uint32_t ref, int prot);
int xengnttab_unmap(void *h, void *page, uint32_t n);

void *xenevtchn_open(void *logger, unsigned flags);
void *xenevtchn_fdopen(void *logger, int fd, unsigned flags);
int xenevtchn_fd(void *h);
int xenevtchn_bind_virq(void *h, unsigned virq);
int xenevtchn_bind_interdomain(void *h, uint32_t domid, uint32_t port);
int xenevtchn_unbind(void *h, uint32_t port);
int xenevtchn_notify(void *h, uint32_t port);
int xenevtchn_pending(void *h);
int xenevtchn_unmask(void *h, uint32_t port);
