"""What an editor asks about a spec: of texts and offsets, without any protocol."""
