/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains that exist for xenstored alone. What a domain does with the page that it shares with xenstored is done here
 * for any program that connects to the socket domN.socket in xenstored's directory: one program at a time, and each
 * begins without the watches and transactions of the one before.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A new domain's page, or NULL with errno. */
void *domain_map(uint32_t domid);
/* The page is not used any more; its domain ends. False: it is no domain's page. */
bool domain_unmap(void *page);

/* xenstored has moved something in a page: the other side looks at all of them. */
void domains_wake(void);
/* Becomes readable when a domain has moved something. -1 with errno. */
int domains_fd(void);
/* The next domain that has, after which it has not; -1: none. */
int64_t domains_next(void);
