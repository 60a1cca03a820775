"""What the loss makes of a map, left alone with it."""
import pytest
import torch
from maps import gaussian

from mmpose_wass.ot import GradedSolver, barycenter, disc_radius, softmax_map


def spread(maps):
    """Standard deviation along an axis of maps [M, H, W]."""
    height, width = maps.shape[-2:]
    rows, columns = torch.arange(height).to(maps), torch.arange(width).to(maps)
    centre = barycenter(maps)
    variance = (maps.sum(dim=-2) * (columns - centre[:, :1])**2).sum(dim=-1) + \
        (maps.sum(dim=-1) * (rows - centre[:, 1:])**2).sum(dim=-1)
    return (variance / 2).sqrt()


@pytest.mark.parametrize('sigma', [1.0, 1.5, 3.0])
def test_a_bimodal_start_ends_at_the_target(sigma):
    generator = torch.Generator().manual_seed(0)
    shape = (32, 32)
    centres = 13 + 6 * torch.rand(4, 2, generator=generator)
    q = torch.stack([gaussian(centre.numpy(), sigma, shape, torch.float32) for centre in centres])
    near = torch.stack([gaussian((centre + .8).numpy(), sigma, shape, torch.float32)
                        for centre in centres])
    far = torch.stack([gaussian((31 - centre).numpy(), sigma, shape, torch.float32)
                       for centre in centres + torch.tensor([7., -6.])])
    logits = (.6 * near + .4 * far + 1e-6).log().requires_grad_()
    solver = GradedSolver(disc_radius(sigma))
    optimizer = torch.optim.Adam([logits], lr=.1)
    steps = 900
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        solver(softmax_map(logits), q).value.sum().backward()
        optimizer.step()
        schedule.step()
    p = softmax_map(logits.detach())
    torch.testing.assert_close(spread(p), spread(q), rtol=.02, atol=0)
    assert float((barycenter(p) - barycenter(q)).norm(dim=1).max()) < .03
