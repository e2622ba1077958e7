namespace Coach.AspNetCore;

/// <summary>Marks an endpoint that Coach maps and that anyone may call: it is rate limited by address.</summary>
internal sealed class CoachApiMetadata
{
    public static readonly CoachApiMetadata Instance = new();
}
