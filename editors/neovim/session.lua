-- A session in a real editor, for the tests:
--
--     nvim --headless -u editors/neovim/archdsl.lua \
--         -c 'luafile editors/neovim/session.lua' FILE
--
-- It opens FILE, prints what is wrong with it, takes the first quick fix of each
-- mistake, prints the shapes behind the lines, what hover tells of the last line of the
-- first net, and the text.

local function say(...)
  io.stdout:write(table.concat({ ... }, " ") .. "\n")
end

local checked = 0
vim.api.nvim_create_autocmd("User", {
  pattern = "ArchdslChecked",
  callback = function()
    checked = checked + 1
  end,
})
vim.api.nvim_create_autocmd("DiagnosticChanged", {
  callback = function()
    checked = checked + 1
  end,
})

local function client()
  local all = vim.lsp.get_clients and vim.lsp.get_clients() or vim.lsp.get_active_clients()
  return all[1]
end

local function wait(what, condition)
  if not vim.wait(20000, condition, 20) then
    say("waited in vain for " .. what)
    vim.cmd("cquit")
  end
end

local function request(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, 20000)
  for _, answer in pairs(answers or {}) do
    return answer.result
  end
end

local function offsets()
  return client().offset_encoding
end

vim.cmd("setfiletype arch")
wait("the server", function()
  return client() and client().initialized ~= false and checked > 0
end)

for _, found in ipairs(vim.diagnostic.get(0)) do
  local message = found.message:gsub("\n", " / ")
  say("finding", found.lnum + 1 .. ":" .. found.col + 1, message)
end

local changed = false
for _ = 1, 10 do
  local found = vim.diagnostic.get(0)[1]
  if not found then
    break
  end
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(),
    range = {
      start = { line = found.lnum, character = found.col },
      ["end"] = { line = found.end_lnum, character = found.end_col },
    },
    context = { diagnostics = {} },
  }
  local actions = request("textDocument/codeAction", params)
  if actions and actions[1] then
    say("quick fix", actions[1].title)
    local before = checked
    vim.lsp.util.apply_workspace_edit(actions[1].edit, offsets())
    changed = true
    wait("a check", function()
      return checked > before
    end)
  end
end
say("findings left", tostring(#vim.diagnostic.get(0)))

local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
local hints = request("textDocument/inlayHint", {
  textDocument = vim.lsp.util.make_text_document_params(),
  range = {
    start = { line = 0, character = 0 },
    ["end"] = { line = #lines, character = 0 },
  },
})
local shown = {}
for _, hint in ipairs(hints or {}) do
  shown[hint.position.line + 1] = hint.label
end
for number, line in ipairs(lines) do
  say("text", line .. (shown[number] and "   " .. shown[number] or ""))
end

for number = #lines, 1, -1 do
  local column = lines[number]:find("%a")
  if column then
    vim.api.nvim_win_set_cursor(0, { number, column - 1 })
    local params = vim.lsp.util.make_position_params(0, offsets())
    local told = request("textDocument/hover", params)
    if told then
      say("hover", (told.contents.value:gsub("\n", " / ")))
    end
    break
  end
end

if vim.lsp.inlay_hint == nil then
  -- What is drawn, and not only asked for.
  local space = vim.api.nvim_get_namespaces()["archdsl shapes"]
  local function drawn()
    return vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })
  end
  wait("the shapes", function()
    return #drawn() == #hints
  end)
  say("drawn", tostring(#drawn()))
end
vim.cmd("qall!")
