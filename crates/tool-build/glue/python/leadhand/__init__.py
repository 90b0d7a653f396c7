"""What a tool has beside Python's own library: `files`, `http` and `ToolError`."""
