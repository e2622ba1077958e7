using Coach.Abstractions;
using Coach.Redis.Connections;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.StackExchangeRedis;
using Microsoft.Extensions.Options;

namespace Coach.Redis.Hosting;

/// <summary>
/// The key ring in Redis, sealed with <c>COACH_DATA_PROTECTION_KEY</c>; a ring that the host put elsewhere stays there.
/// </summary>
internal sealed class RedisKeyRing(RedisConnection redis, ISecretSource secrets)
    : IPostConfigureOptions<KeyManagementOptions>
{
    public void PostConfigure(string? name, KeyManagementOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.XmlRepository is null)
        {
            options.XmlRepository = new RedisXmlRepository(
                () => redis.DatabaseAsync().GetAwaiter().GetResult(), redis.Keys.KeyRing);
            options.XmlEncryptor ??= new KeyRingEncryptor(secrets);
        }
    }

    /// <summary>A shared ring without its secret fails the start.</summary>
    internal sealed class Check(ISecretSource secrets) : IValidateOptions<CoachRedisOptions>
    {
        public ValidateOptionsResult Validate(string? name, CoachRedisOptions options) =>
            KeyRingSecret.Problem(secrets) is { } problem
                ? ValidateOptionsResult.Fail(problem)
                : ValidateOptionsResult.Success;
    }
}
