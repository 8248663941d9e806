"""When data ends and how: schedule, approvals, holds, destruction, archive, restore."""
