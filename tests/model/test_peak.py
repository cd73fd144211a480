import torch

from reviewmine.model.peak import matrix_peak, seconds


def test_the_peak_is_a_positive_number_of_gflop_per_second() -> None:
    assert matrix_peak(torch.device("cpu"), torch.float32, num_tries=1) > 0


def test_work_is_done_once_and_takes_some_time() -> None:
    done = []
    assert seconds(lambda: done.append(1), torch.device("cpu")) > 0
    assert done == [1]
