namespace Memo.People;

/// <summary>A person who may log in.</summary>
internal sealed class MemoUser
{
    /// <summary>The id of the one user that there is without login.</summary>
    public const string LocalId = "local";

    public string Id { get; set; } = "";

    public string Name { get; set; } = "";

    public string Normalized { get; set; } = "";

    public string? PasswordHash { get; set; }

    public string Stamp { get; set; } = "";

    public bool IsAdmin { get; set; }

    public int Failed { get; set; }

    public DateTimeOffset? LockoutEnd { get; set; }

    public DateTimeOffset Created { get; set; }
}

/// <summary>Who asks, for one request.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Name">The user's name.</param>
/// <param name="IsAdmin">Whether the user may administer.</param>
/// <param name="Csrf">The token that changes must carry; null where none is asked for.</param>
/// <param name="SessionHash">The session; null for a token or without login.</param>
internal sealed record Caller(string Id, string Name, bool IsAdmin, string? Csrf, string? SessionHash);
