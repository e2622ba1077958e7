using Coach.Abstractions;
using Coach.Postgres.Connections;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;

namespace Coach.Postgres.KeyRing;

/// <summary>
/// The key ring in PostgreSQL, sealed with <c>COACH_DATA_PROTECTION_KEY</c>. A ring that the host put elsewhere by its
/// own hand comes later and wins.
/// </summary>
internal sealed class PostgresKeyRing(PostgresDatabase database, ISecretSource secrets)
    : IConfigureOptions<KeyManagementOptions>
{
    public void Configure(KeyManagementOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.XmlRepository = new PostgresXmlRepository(database);
        options.XmlEncryptor = new KeyRingEncryptor(secrets);
    }

    /// <summary>A shared ring without its secret fails the start.</summary>
    internal sealed class Check(ISecretSource secrets) : IValidateOptions<CoachPostgresOptions>
    {
        public ValidateOptionsResult Validate(string? name, CoachPostgresOptions options) =>
            KeyRingSecret.Problem(secrets) is { } problem
                ? ValidateOptionsResult.Fail(problem)
                : ValidateOptionsResult.Success;
    }
}
