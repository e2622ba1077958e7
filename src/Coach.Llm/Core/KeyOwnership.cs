namespace Coach.Llm.Core;

/// <summary>Whose key a call uses. A provider's trouble with one class says little about the other.</summary>
internal enum KeyOwnership
{
    /// <summary>A key that a user brought.</summary>
    User,

    /// <summary>A key of the host's own, found among its secrets.</summary>
    Platform,
}
