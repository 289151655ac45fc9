-- archdsl in Neovim 0.7 or later: `dofile` or `require` this file, or copy it to
-- ~/.config/nvim/plugin/archdsl.lua. The server has to be installed: archdsl[lsp].

if vim.filetype and vim.filetype.add then
  vim.filetype.add({ extension = { arch = "arch" } })
else
  vim.cmd("autocmd BufRead,BufNewFile *.arch setfiletype arch")
end

local marks = { "pyproject.toml", ".git", "setup.py", "setup.cfg", ".hg" }
local space = vim.api.nvim_create_namespace("archdsl shapes")

local function root(path)
  local folder = vim.fn.fnamemodify(path, ":p:h")
  local at = folder
  while true do
    for _, mark in ipairs(marks) do
      local found = at .. "/" .. mark
      if vim.fn.isdirectory(found) == 1 or vim.fn.filereadable(found) == 1 then
        return at
      end
    end
    local above = vim.fn.fnamemodify(at, ":h")
    if above == at then
      return folder
    end
    at = above
  end
end

-- Neovim shows inlay hints itself from 0.10 on; before that, this draws the shapes.
local function draw(buffer, hints)
  vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  local last = vim.api.nvim_buf_line_count(buffer)
  for _, hint in ipairs(hints or {}) do
    if hint.position.line < last then
      vim.api.nvim_buf_set_extmark(buffer, space, hint.position.line, 0, {
        virt_text = { { " " .. hint.label, "Comment" } },
        virt_text_pos = "eol",
      })
    end
  end
end

local function ask(client, buffer)
  local range = {
    start = { line = 0, character = 0 },
    ["end"] = { line = vim.api.nvim_buf_line_count(buffer), character = 0 },
  }
  local asked = { textDocument = vim.lsp.util.make_text_document_params(buffer), range = range }
  client.request("textDocument/inlayHint", asked, function(problem, hints)
    if not problem and vim.api.nvim_buf_is_valid(buffer) then
      draw(buffer, hints)
    end
  end, buffer)
end

local function attached(client, buffer)
  if vim.lsp.inlay_hint then
    vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
    return
  end
  vim.api.nvim_create_autocmd("User", {
    pattern = "ArchdslChecked",
    callback = function()
      ask(client, buffer)
    end,
  })
  ask(client, buffer)
end

-- A text was checked when its findings are told.
local handlers = {}
if not vim.lsp.inlay_hint then
  local publish = vim.lsp.handlers["textDocument/publishDiagnostics"]
  handlers["textDocument/publishDiagnostics"] = function(...)
    publish(...)
    vim.cmd("doautocmd <nomodeline> User ArchdslChecked")
  end
end

vim.api.nvim_create_autocmd("FileType", {
  pattern = "arch",
  callback = function(event)
    local buffer = (event and event.buf) or vim.api.nvim_get_current_buf()
    vim.bo[buffer].commentstring = "# %s"
    local config = {
      name = "archdsl",
      cmd = vim.g.archdsl_command or { "archdsl", "lsp" },
      root_dir = root(vim.api.nvim_buf_get_name(buffer)),
      on_attach = attached,
      handlers = handlers,
    }
    if vim.lsp.start then
      vim.lsp.start(config)
    else
      local client = vim.lsp.start_client(config)
      if client then
        vim.lsp.buf_attach_client(buffer, client)
      end
    end
  end,
})
