using System.Security.Cryptography;
using System.Text;
using Coach.Abstractions;

namespace Coach.AspNetCore.Sessions;

/// <summary>A user's name where the id itself must not stand: in cookies, and in records that others read.</summary>
internal static class CallerHandle
{
    private const int Bytes = 16;

    /// <summary>32 hexadecimal digits of the user and tenant; null where nobody is signed in.</summary>
    public static string? Of(CallerContext caller) => caller.UserId is null
        ? null
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(caller.Key)).AsSpan(0, Bytes));
}
