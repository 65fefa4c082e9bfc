"""A training with a critic: how it judges, and a player's step down its loss and penalties."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn, optim

from ganpipe.game import CriticFunction, Judgement, Round
from ganpipe.training.protocol import Figures, Training, attach, unused
from ganpipe.training.streams import initialised_by, stream


class Playing(Training):
    """The players, the critic's optimiser, the objective's state, and random streams that both kinds of game need."""

    lasting: ClassVar[tuple[str, ...]] = ("critic", "critic_optimizer", "latents", "chance", "noise", "state")

    def _seat(self, players: dict[str, nn.Module], seed: int, pretrained: dict[str, Tensor] | None) -> None:
        """To be called once the networks are there, the critic among them, and before they are copied."""
        self.players, self.critic = players, players["critic"]
        if pretrained is not None:
            self._start_from(pretrained)
        with initialised_by(seed, "constraints"):
            attach(self.variant, players)
        self.critic_optimizer = self.variant.critic_optimizer.build(self.critic.parameters())
        self.latents, self.chance, self.noise = (
            stream(seed, name, self.device) for name in ("latents", "penalties", "instance noise")
        )
        self.state = self.variant.objective.initial_state(self.device)

    def _start_from(self, pretrained: dict[str, Tensor]) -> None:
        self.critic.load_state_dict(pretrained)

    def _meet(self, real: Tensor, fake: Tensor, critic: CriticFunction) -> Round:
        """Both judged: with a layer that couples samples a joint batch is another algorithm than two batches."""
        meet = Round if self.variant.critic.uses_batch_stats else Round.joint
        return meet(real, fake, critic, self.state)

    def _judge(self, x: Tensor) -> Judgement:
        with self._precision():
            judgement: Judgement = self.critic(x)
        code = judgement.code
        return Judgement(judgement.score.float(), None if code is None else code.float())

    def _learn(self, real: Tensor, fake: Tensor) -> Figures:
        """One update of the critic, and of the objective's state, on samples as the critic sees them."""
        game = self._meet(real, fake, self._judge)
        loss = self.variant.objective.critic(game).mean()
        figures = {
            "critic_loss": loss,
            "real_score": game.on_real.score.mean(),
            "fake_score": game.on_fake.score.mean(),
        }
        self._descend(self.critic_optimizer, "critic", loss, game, figures)
        self.state = self.variant.objective.next_state(game)
        return figures | self.state

    def _descend(self, optimizer: optim.Optimizer, player: str, loss: Tensor, game: Round, figures: Figures) -> None:
        """One step of a player down its loss and penalties; `figures` gets each penalty's value."""
        critic: CriticFunction = self.critic  # in float32 whatever the precision of the rest
        for penalty in self.variant.penalties:
            if penalty.player == player:
                value = penalty(critic, game, self.chance).mean()
                figures[unused(penalty.kind, figures)], loss = value, loss + value
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for constraint in self.variant.constraints:
            if constraint.player == player:
                constraint.enforce(self.players[player])
        for name in figures:
            figures[name] = figures[name].detach()

    def remembered(self) -> dict[str, Tensor]:
        return self.state

    def networks(self) -> dict[str, nn.Module]:
        return {"critic": self.critic}
