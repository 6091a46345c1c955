"""The same steps as examples/device_speed.rs in PyTorch: ResNet-18 (CIFAR) training, and the gradient spectrum, in images/s.

    python3 torch_speed.py cuda:0 128        # f32, TF32 and bf16 (autocast, channels last)
"""

import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        inputs = 64
        for outputs, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
            layers.append(Block(inputs, outputs, stride))
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.linear = nn.Linear(512, 10)

    def forward(self, x):
        return self.linear(self.body(x).mean((2, 3)))


def rate(images, step, device):
    def settle():
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    step()
    settle()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < 3 or steps < 3:
        step()
        steps += 1
        if steps % 10 == 0:
            settle()
    settle()
    return steps * images / (time.perf_counter() - started)


def measure(device, images, mode):
    tf32 = mode == "tf32"
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    net = ResNet18().to(device, memory_format=torch.channels_last)
    x = torch.rand(images, 3, 32, 32, device=device).to(memory_format=torch.channels_last)
    y = torch.arange(images, device=device) % 10
    sgd = torch.optim.SGD(net.parameters(), 1e-3, 0.9, weight_decay=5e-4)
    half = torch.autocast(device.split(":")[0], torch.bfloat16, enabled=mode == "bf16")

    def train():
        sgd.zero_grad(set_to_none=True)
        with half:
            loss = F.cross_entropy(net(x), y)
        loss.backward()
        sgd.step()

    i = torch.arange(32, device=device) - 15.5
    ring = (i[:, None] ** 2 + i[None, :] ** 2).sqrt().floor().long().flatten()
    bands = F.one_hot(ring).float()
    bands = (bands / bands.sum(0))[:, 1:-1]

    def spectrum():
        pixels = x.detach().requires_grad_()
        with half:
            loss = F.cross_entropy(net(pixels), y)
        (g,) = torch.autograd.grad(loss, pixels)
        magnitudes = torch.fft.fftshift(torch.fft.fft2(g.sum(1)), dim=(-2, -1)).abs()
        (magnitudes.flatten(1) @ bands).cpu()

    training = rate(images, train, device)
    net.eval().requires_grad_(False)
    return training, rate(images, spectrum, device)


if __name__ == "__main__":
    device = sys.argv[1] if len(sys.argv) > 1 else "cuda:0"
    images = int(sys.argv[2]) if len(sys.argv) > 2 else 128
    modes = ["full", "tf32", "bf16"] if device.startswith("cuda") else ["full"]
    for mode in modes:
        name = f"torch:{device}" + ("" if mode == "full" else f":{mode}")
        training, spectrum = measure(device, images, mode)
        print(f"{name} resnet18 training {training:.0f} images/s", flush=True)
        print(f"{name} resnet18 gradient-spectrum {spectrum:.0f} images/s", flush=True)
