using System;
using System.Diagnostics;
using System.Threading;

namespace CoExpr.CSharp.Tests;

/// <summary>Starting programs while other tests write files. What HDF5 holds open and locked, a program that is started
/// meanwhile holds too, for as long as it runs.</summary>
static class Programs
{
    static readonly Lock Gate = new();

    internal static Process Start(ProcessStartInfo start)
    {
        lock (Gate)
            return Process.Start(start)!;
    }

    internal static T NoneStartingDuring<T>(Func<T> writing)
    {
        lock (Gate)
            return writing();
    }
}
