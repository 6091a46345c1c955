"""Modules and loaders of PyTorch that tests share."""

from conftest import needs

torch = needs("torch")

MEAN, STD = [0.48, 0.46, 0.41], [0.23, 0.22, 0.23]
# No data set's: who guesses is wrong.
OWN_MEAN, OWN_STD = [0.4, 0.5, 0.3], [0.3, 0.15, 0.25]


def loader(images, labels, size=5):
    pairs = torch.utils.data.TensorDataset(torch.as_tensor(images), torch.as_tensor(labels))
    return torch.utils.data.DataLoader(pairs, batch_size=size)


class Small(torch.nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        torch.manual_seed(1)
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, padding=1),
            torch.nn.BatchNorm2d(8),
            torch.nn.GELU(),
            torch.nn.Conv2d(8, 8, 3, stride=2, padding=1),
            torch.nn.GELU(),
            torch.nn.Flatten(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(8 * 16 * 16, 10),
        )
        self.scale = scale

    def forward(self, x):
        return self.scale * self.body(x)


def lambda_module(function):
    module = torch.nn.Module()
    module.forward = function
    return module


def cifar_resnet():
    """A ResNet-18 with the stem for small images, under the names that the programs know."""

    class Block(torch.nn.Module):
        def __init__(self, inner, outer, stride):
            super().__init__()
            conv = lambda a, b, s: torch.nn.Conv2d(a, b, 3, s, 1, bias=False)  # noqa: E731
            self.conv1, self.bn1 = conv(inner, outer, stride), torch.nn.BatchNorm2d(outer)
            self.conv2, self.bn2 = conv(outer, outer, 1), torch.nn.BatchNorm2d(outer)
            self.shortcut = torch.nn.Sequential()
            if stride != 1 or inner != outer:
                self.shortcut = torch.nn.Sequential(
                    torch.nn.Conv2d(inner, outer, 1, stride, bias=False), torch.nn.BatchNorm2d(outer)
                )

        def forward(self, x):
            out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
            return torch.relu(out + self.shortcut(x))

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False), torch.nn.BatchNorm2d(64)
            layer = lambda a, b, s: torch.nn.Sequential(Block(a, b, s), Block(b, b, 1))  # noqa: E731
            self.layer1, self.layer2 = layer(64, 64, 1), layer(64, 128, 2)
            self.layer3, self.layer4 = layer(128, 256, 2), layer(256, 512, 2)
            self.linear = torch.nn.Linear(512, 10)

        def forward(self, x):
            x = torch.relu(self.bn1(self.conv1(x)))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.linear(x.mean((2, 3)))

    return Net()
