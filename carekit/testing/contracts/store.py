"""The contract of a store, as tests. Subclass `StoreContract` and override ``store``::

class TestMyStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return MyStore("mine", MySettings(path=tmp_path / "desk"))
"""

from __future__ import annotations

from carekit.testing.contracts.store_jobs import StoreJobs
from carekit.testing.contracts.store_races import StoreRaces
from carekit.testing.contracts.store_reads import StoreReads
from carekit.testing.contracts.store_twins import StoreTwins
from carekit.testing.contracts.store_writes import StoreWrites


class StoreContract(StoreWrites, StoreReads, StoreJobs, StoreRaces, StoreTwins):
    """All that a store promises. The store must be empty for each test; the suite opens and closes it."""
