"""One step of a net, in each mode: what is timed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.gpu import nets
from benchmarks.gpu.nets import OURS, Net
from benchmarks.gpu.settings import CHANNELS_LAST, Setting

Step = Callable[[], Tensor]
_GRAPH_WARM_UPS = 3
_RATE, _MOMENTUM = 1e-4, 0.9


class NotHereError(Exception):
    """A mode that this device or this net does not have."""


class Steps:
    """Makes the steps of one setting; both peers get the same weights and pictures."""

    def __init__(
        self,
        setting: Setting,
        net: Net,
        builders: dict[str, Callable[[], nn.Module]],
        weights: dict[str, Tensor],
        device: torch.device,
    ) -> None:
        self.setting = setting
        self.device = device
        self._builders = builders
        self._weights = weights
        self._shared: dict[str, nn.Module] = {}
        self._net = net
        self.dtype = torch.bfloat16 if setting.precision == "bf16" else torch.float32
        x = nets.pictures(net, setting.batch, device, seed=1).to(self.dtype)
        self.format = torch.contiguous_format
        if setting.layout == CHANNELS_LAST:
            self.format = torch.channels_last
        self.x = x.to(memory_format=self.format)
        self._labels = torch.arange(setting.batch, device=device) % net.classes

    def reference(self) -> Tensor:
        """The outputs of the emitted module in float32, without TF32."""
        with torch.inference_mode(mode=False):
            module = self._module(OURS, torch.float32).eval()
        with exact():
            out: Tensor = module(self.x.float())
        return out

    def make(self, mode: str, peer: str) -> Step:
        """A step of that mode. Raises NotHereError, and what compiling raises."""
        if "graph" in mode and self.device.type != "cuda":
            raise NotHereError("CUDA graphs need a GPU")
        if self.setting.train:
            return self._training(mode, peer)
        # Parameters made in inference mode could not be compiled.
        if mode.startswith("inference"):
            return self._prepared(mode == "inference graph")
        with torch.inference_mode(mode=False):
            module = self._evaluated(peer)
        return self._inference(mode, module)

    def _module(self, peer: str, dtype: torch.dtype | None = None) -> nn.Module:
        module = nets.on(self.device, self._builders[peer])
        module.load_state_dict(self._weights)
        return self._placed(module, dtype or self.dtype)

    def _placed(self, module: nn.Module, dtype: torch.dtype) -> nn.Module:
        return module.to(dtype).to(memory_format=self.format)  # type: ignore[call-overload, no-any-return]

    def _prepared(self, graph: bool) -> Step:
        batch, dtype = self.setting.batch, self.dtype
        options = {"graph": True} if graph else {}
        prepared = self._net.prepare(
            self._weights, batch=batch, device=self.device, dtype=dtype, **options
        )
        return lambda: prepared(self.x)

    def _evaluated(self, peer: str) -> nn.Module:
        if peer not in self._shared:
            self._shared[peer] = self._module(peer).eval()
        return self._shared[peer]

    def _inference(self, mode: str, module: nn.Module) -> Step:
        run = _compiled(module, mode)
        if not mode.endswith("graph"):
            return lambda: run(self.x)
        held = self.x.clone(memory_format=torch.preserve_format)
        replay, out = _captured(lambda: run(held))

        def step() -> Tensor:
            held.copy_(self.x)
            replay()
            return out

        return step

    def _training(self, mode: str, peer: str) -> Step:
        module = self._module(peer).train()
        optimiser = torch.optim.SGD(
            module.parameters(),
            lr=_RATE,
            momentum=_MOMENTUM,
            fused=self.device.type == "cuda",
        )
        run = _compiled(module, mode)
        autocast = self.setting.precision == "autocast"

        def step() -> Tensor:
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=autocast):
                loss = nets.loss(run(self.x), self._labels)
            loss.backward()
            optimiser.step()
            return loss.detach()

        if "graph" not in mode:
            return step
        # The gradients that a replay writes are made while capturing.
        replay, out = _captured(step, lambda: optimiser.zero_grad(set_to_none=True))

        def replayed() -> Tensor:
            replay()
            return out

        return replayed


@contextlib.contextmanager
def exact() -> Any:
    """Float32 without TF32, and algorithms that do not depend on what ran before."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark, cudnn.deterministic
    cudnn.allow_tf32 = matmul.allow_tf32 = cudnn.benchmark = False
    cudnn.deterministic = True
    try:
        yield
    finally:
        (
            cudnn.allow_tf32,
            matmul.allow_tf32,
            cudnn.benchmark,
            cudnn.deterministic,
        ) = before


def set_precision(precision: str) -> None:
    """Let float32 products use TF32 or not; cuDNN chooses its algorithms by trial."""
    tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


def _compiled(module: nn.Module, mode: str) -> Callable[[Tensor], Any]:
    if mode == "max-autotune":
        return torch.compile(module, mode=mode, dynamic=False)
    if mode.startswith("compiled"):
        return torch.compile(module, dynamic=False)
    return module


def _captured(
    call: Step, before: Callable[[], object] = lambda: None
) -> tuple[Callable[[], object], Tensor]:
    """A CUDA graph of a call: its replay, and where the replay writes the result."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_GRAPH_WARM_UPS):
            call()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    before()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = call()
    return graph.replay, out
