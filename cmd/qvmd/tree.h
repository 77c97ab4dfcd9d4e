/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files below one directory that stands for a root: whatever a path says, nothing outside is reached. ".." stops
 * at the root, and no symbolic link is followed. All functions may be called from any thread.
 */
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/attr.h"

/* Opens a file: a descriptor, or negative errno. O_CREAT (mode 0600) makes missing directories as well. */
int tree_open(int root, const char *path, int flags);
/* 0 and *st, or negative errno; -ELOOP for a symbolic link. */
int tree_stat(int root, const char *path, struct stat *st);
/* Of the file system that the directory is on, or would be. */
int tree_statvfs(int root, const char *path, struct statvfs *st);
int tree_rename(int root, const char *from, const char *to);
/* Removes a file, and the directories that are empty then. */
int tree_remove(int root, const char *path);
/* Syncs the directory that the file is in. */
int tree_sync(int root, const char *path);
/* Calls fn with the path of every regular file, and removes those for which it says so. Negative errno when a
 * directory could not be read. */
typedef bool tree_remove_fn(void *data, const char *path);
int tree_sweep(int root, tree_remove_fn *fn, void *data);
