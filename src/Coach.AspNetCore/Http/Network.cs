using System.Net;
using System.Net.Sockets;

namespace Coach.AspNetCore.Http;

/// <summary>What limits by address count: an IPv4 address, or the network of an IPv6 one.</summary>
internal static class Network
{
    // Whoever has one IPv6 address has the 2^64 of its network, so the network counts (RFC 4291 §2.5.1).
    public static IPAddress? Of(IPAddress? address)
    {
        if (address is not { AddressFamily: AddressFamily.InterNetworkV6 })
        {
            return address;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
