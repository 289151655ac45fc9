;;; arch-mode.el --- Network architectures in archdsl  -*- lexical-binding: t; -*-

;; For Emacs 28 and later.  Load this file from init.el.  Colours and indentation need
;; nothing else; mistakes while typing, shapes behind the lines and the rest are told by
;; the language server, archdsl[lsp], through eglot.  That is a part of Emacs 29, and a
;; package for Emacs 28.

;;; Code:

(defgroup arch nil "Network architectures in archdsl." :group 'languages)

(defcustom arch-server '("archdsl" "lsp")
  "The command that starts the language server."
  :type '(repeat string))

(defcustom arch-indent 2
  "Columns that what stands in brackets is indented by."
  :type 'integer)

;; The words of the language, written by docs/generate.py.
(defconst arch-keywords
  '("default" "use" "extern" "from" "as" "block" "net" "assert" "order" "if" "else"
    "and" "or" "not" "true" "false"))
(defconst arch-stages
  '("input" "output" "share" "tie" "id" "in"))
(defconst arch-layers
  '("conv" "dwconv" "upconv" "fc" "affine" "embedding" "rnn" "lstm" "gru" "attention"
    "sdpa" "rotary" "maxpool" "avgpool" "lppool" "adaptive" "adaptivemax" "gap" "gmp"
    "bn" "ln" "gn" "instancenorm" "rms" "lrn" "l2norm" "layerscale" "dropout"
    "dropchannels" "alphadropout" "droppath" "relu" "relu6" "leaky" "prelu" "elu"
    "celu" "selu" "gelu" "silu" "mish" "hardswish" "hardsigmoid" "hardtanh" "tanh"
    "sigmoid" "softplus" "softmax" "logsoftmax" "glu" "swiglu" "scale" "abs" "exp"
    "clamp" "scaled_tanh" "add" "sub" "mul" "div" "concat" "stack" "matmul" "einsum"
    "flatten" "unflatten" "reshape" "permute" "tokens" "decimate" "padchannels" "mean"
    "amax" "take" "slice" "chunk" "split" "roll" "rearrange" "pad" "crop" "upsample"
    "pixelshuffle" "pixelunshuffle" "channelshuffle" "unfold" "param" "buffer" "index"
    "subsample" "rbf"))
(defconst arch-blocks
  '("aspp" "basic_block" "bottleneck" "conv_bn_act" "feed_forward"
    "gated_feed_forward" "inverted_residual" "patch_embed" "sinusoids"
    "squeeze_excite" "transformer_decoder" "transformer_encoder" "unet_down" "unet_up"))
(defconst arch-functions
  '("min" "max" "ceil" "floor" "round" "divisible" "abs" "sqrt" "exp" "log" "sin"
    "cos" "size" "len" "sum"))

(defvar arch-font-lock
  `(("\\_<\\(?:net\\|block\\|extern\\)[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)"
     1 font-lock-function-name-face)
    ;; A label, a key, and a number with the letter of its key.
    ("\\(\\_<[A-Za-z0-9_][A-Za-z0-9_.]*\\)[ \t]*:" 1 font-lock-constant-face)
    ("\\(\\_<[A-Za-z_][A-Za-z0-9_]*\\)[ \t]*=[^=]" 1 font-lock-variable-name-face)
    ("\\_<\\([a-z]\\)[0-9]+\\(?:x[0-9]+\\)*\\_>" 1 font-lock-variable-name-face)
    (,(regexp-opt arch-keywords 'symbols) . font-lock-keyword-face)
    (,(regexp-opt arch-stages 'symbols) . font-lock-keyword-face)
    (,(concat (regexp-opt arch-functions 'symbols) "(") 1 font-lock-builtin-face)
    (,(regexp-opt arch-layers 'symbols) . font-lock-function-name-face)
    (,(regexp-opt arch-blocks 'symbols) . font-lock-type-face))
  "What has a colour beside comments and strings.")

(defvar arch-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "_" table)
    (dolist (sign '(?| ?= ?< ?> ?+ ?- ?* ?/ ?% ?: ?, ?.))
      (modify-syntax-entry sign "." table))
    table))

(defun arch-indent-line ()
  "Indent a line by the brackets that are open where it begins."
  (interactive)
  (let* ((open (save-excursion
                 (back-to-indentation)
                 (- (if (looking-at "[])}]") -1 0)
                    (- (car (syntax-ppss (line-beginning-position)))))))
         (at (- (current-column) (current-indentation))))
    (indent-line-to (* arch-indent (max 0 open)))
    (when (> at 0) (move-to-column (+ (current-indentation) at)))))

;;;###autoload
(define-derived-mode arch-mode prog-mode "Arch"
  "A network architecture in archdsl."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local indent-line-function #'arch-indent-line)
  (setq-local indent-tabs-mode nil)
  (setq-local font-lock-defaults '(arch-font-lock)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.arch\\'" . arch-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               (cons 'arch-mode (lambda (&rest _) arch-server))))

(provide 'arch-mode)
;;; arch-mode.el ends here
