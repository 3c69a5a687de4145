"""Issues know the tool and the rule that found them, so that the past can correct estimates."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns, empty for what was stored before."""
    op.add_column("issues", sa.Column("tool", sa.Text))
    op.add_column("issues", sa.Column("rule", sa.Text))


def downgrade() -> None:
    """Drops the columns; the events keep what was in them."""
    op.drop_column("issues", "rule")
    op.drop_column("issues", "tool")
