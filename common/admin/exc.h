/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exception types: their parents and the tests that steer the tools (admin-api 3.1, 3.3). */
#pragma once

#include "base/attr.h"
#include "base/err.h"

/* Classes that a client gives to failures which are not an exception of the server. */
#define EXC_ACCESS "QubesDaemonAccessError"
#define EXC_PROPERTY_ACCESS "QubesPropertyAccessError"
#define EXC_COMMUNICATION "QubesDaemonCommunicationError"

/* True when type is ancestor or descends from it; a type we do not know descends from QubesException. */
bool exc_is(const char *type, const char *ancestor);

/* The same on an error; false when there is none. */
bool err_is(const struct err *e, const char *ancestor);
bool err_is_key(const struct err *e);         /* "no such key": types marked K */
bool err_is_not_started(const struct err *e); /* NotStarted, NotRunning, NotPaused */
bool err_is_access(const struct err *e);      /* access errors; ProtocolError and PermissionDenied too */
bool err_is_communication(const struct err *e);

/* True for the types whose text comes in quotes that the client removes (admin-api 3.2). */
bool exc_is_quoted(const char *type);
