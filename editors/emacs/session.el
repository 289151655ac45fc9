;;; session.el --- What docs/editors.md shows of Emacs  -*- lexical-binding: t; -*-

;; emacs --batch -l arch-mode.el -l session.el SPEC opens a spec with the language
;; server, prints what is found and which faces its words have, takes the first quick fix
;; of each mistake, and prints what is left.

;;; Code:

(require 'package)
(package-initialize)
(require 'eglot)
(require 'flymake)

(defvar eglot-confirm-server-edits)
(setq eglot-sync-connect 30
      eglot-autoreconnect nil
      eglot-confirm-server-edits nil
      ;; A folder that is no project of anything.
      project-find-functions nil)

(defun session-say (format &rest arguments)
  (princ (concat (apply #'format format arguments) "\n")))

(defun session-wait (holds)
  "Wait until HOLDS, for ten seconds at most."
  (let ((end (+ (float-time) 10)))
    (while (and (not (funcall holds)) (< (float-time) end))
      (accept-process-output nil 0.05))
    (unless (funcall holds)
      (session-say "waited in vain")
      (kill-emacs 1))))

(defun session-found ()
  (sort (flymake-diagnostics)
        (lambda (a b) (< (flymake-diagnostic-beg a) (flymake-diagnostic-beg b)))))

(find-file (car command-line-args-left))
(setq command-line-args-left nil)
(session-say "mode %s" major-mode)
(font-lock-ensure)
(dolist (word '("block" "unit" "conv" "p1" "stem" "relu" "# "))
  (goto-char (point-min))
  (search-forward word)
  (session-say "face %s %s" word
               (get-text-property (match-beginning 0) 'face)))

(apply #'eglot--connect (eglot--guess-contact))
(flymake-mode 1)
(flymake-start)
(session-wait #'session-found)
(dolist (found (session-found))
  (save-excursion
    (goto-char (flymake-diagnostic-beg found))
    (session-say "finding %d:%d %s" (line-number-at-pos) (1+ (current-column))
                 (replace-regexp-in-string
                  "\\`.*?[]:] " ""
                  (car (split-string (flymake-diagnostic-text found) "\n"))))))

(defun session-texts ()
  (mapcar #'flymake-diagnostic-text (session-found)))

(defun session-apply (edit)
  ;; What may be given more tells whether to ask, or who it is that changes something.
  (let ((most (cdr (func-arity #'eglot--apply-workspace-edit))))
    (apply #'eglot--apply-workspace-edit edit (and (eql most 2) '(nil)))))

(let ((tries 9))
  (while (and (session-found) (>= (setq tries (1- tries)) 0))
    (let* ((found (car (session-found)))
           (before (session-texts))
           (fix (elt (eglot-code-actions (flymake-diagnostic-beg found)
                                         (flymake-diagnostic-end found))
                     0)))
      (session-say "quick fix %s" (plist-get fix :title))
      (session-apply (plist-get fix :edit))
      (eglot--signal-textDocument/didChange)
      (session-wait (lambda () (not (equal (session-texts) before)))))))
(session-say "findings left %d" (length (session-found)))

(goto-char (point-min))
(search-forward "gap")
(let ((told (jsonrpc-request (eglot-current-server) :textDocument/hover
                             (eglot--TextDocumentPositionParams))))
  (session-say "hover %s"
               (nth 4 (split-string (plist-get (plist-get told :contents) :value)
                                    "\n"))))
(goto-char (point-max))
(insert "net other {\n      input 3x8x8\nrelu\n  }\n")
(indent-region (- (point-max) 42) (point-max))
(session-say "%s" (string-trim-right
                   (buffer-substring (line-beginning-position -3) (point-max))))
(set-buffer-modified-p nil)
(eglot-shutdown (eglot-current-server))
