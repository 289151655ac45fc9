"""The language server: the editor's questions over the Language Server Protocol."""
