namespace Memo.Tests.Support;

/// <summary>One host without login for many calls, its limits out of the way.</summary>
public sealed class AppFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();

    internal MemoApp App { get; private set; } = null!;

    internal string Folder => _folder.Path;

    public async ValueTask InitializeAsync()
    {
        RaiseLimits(_folder);
        App = await MemoApp.StartAsync(_folder.Path);
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        _folder.Dispose();
    }

    internal static void RaiseLimits(TempFolder folder)
    {
        Directory.CreateDirectory(folder.File("config"));
        File.WriteAllText(folder.File("config/auth.yaml"), """
            security_settings:
              rate_limiting:
                requests_per_session_per_hour: 10000
                requests_per_admin_per_hour: 100000
                requests_per_minute: 100000
            """);
    }
}

/// <summary>One host with an admin and a user for many calls.</summary>
public sealed class LoginFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();

    internal MemoApp App { get; private set; } = null!;

    internal HttpClient Admin { get; private set; } = null!;

    internal HttpClient Anna { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        AppFixture.RaiseLimits(_folder);
        App = await MemoApp.StartWithLoginAsync(_folder.Path);
        Admin = await App.LoginAsync();
        Anna = await App.LoginAsNewUserAsync(Admin, "anna");
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        _folder.Dispose();
    }
}
