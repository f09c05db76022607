#!/bin/sh
# Before the files of the package are unpacked: orders.d belongs to this group.
set -e
getent group bailiff-orders >/dev/null || groupadd --system bailiff-orders
