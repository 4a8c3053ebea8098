"""Which addresses belong to the public Internet."""

from __future__ import annotations

import pytest

from airflow_provider_kling.products.addresses import is_public, literal


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "255.255.255.255"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.0.9", "192.88.99.1", "198.18.0.1", "203.0.113.1"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "168.63.129.16"),
        *("::", "::1", "fe80::1", "fe80::1%1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "5f00::1", "4000::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:224.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::e000:1", "64:ff9b:1::808:808", "64:ff9b:1::a00:1"),
        *("2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
        *("2001:db8::1", "2001:20::1", "2001:2::1", "3fff::1", "100::1"),
    ],
)
def test_special_addresses_are_not_public_in_any_form(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "47.88.1.1", "2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_hosts_are_public_also_by_nat64(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1"])
def test_a_host_that_is_an_address_is_recognised_in_every_spelling(host):
    assert literal(host) == "127.0.0.1"


@pytest.mark.parametrize("host", ["example.com", "", "a b", "kling\udcff"])
def test_a_name_is_not_an_address(host):
    assert literal(host) is None
