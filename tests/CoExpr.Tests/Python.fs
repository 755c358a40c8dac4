namespace CoExpr.Tests

open System
open System.ComponentModel
open System.Diagnostics
open System.IO
open NUnit.Framework

/// Python with h5py and anndata, which say what is in a file from outside.
[<RequireQualifiedAccess>]
module Python =

    let private python =
        match Environment.GetEnvironmentVariable "COEXPR_PYTHON" with
        | null
        | "" -> "/usr/bin/python3"
        | chosen -> chosen

    let private runPython (arguments: string list) =
        let start =
            ProcessStartInfo(python, arguments, RedirectStandardOutput = true, RedirectStandardError = true)

        use running = Process.Start start
        let errors = running.StandardError.ReadToEndAsync()
        let output = running.StandardOutput.ReadToEnd()
        running.WaitForExit()
        running.ExitCode, output, errors.Result

    let private hasPackages =
        lazy
            (try
                let code, _, _ = runPython [ "-c"; "import anndata, h5py, scipy" ]
                code = 0
             with :? Win32Exception ->
                 false)

    /// Ignores the test where a package is absent.
    let require package =
        let code =
            try
                let code, _, _ = runPython [ "-c"; $"import {package}" ]
                code
            with :? Win32Exception ->
                1

        if code <> 0 then
            Assert.Ignore $"the Python package {package} is not installed (COEXPR_PYTHON, or /usr/bin/python3)"

    /// What one of the Python scripts of these tests prints. Without python3 and its package anndata the test is
    /// ignored.
    let run script (arguments: string list) =
        if not hasPackages.Value then
            Assert.Ignore "python3-anndata is not installed (COEXPR_PYTHON, or /usr/bin/python3)"

        let path = Path.Combine(TestContext.CurrentContext.TestDirectory, "Python", script)

        let code, output, errors = runPython (path :: arguments)
        Assert.That(code, Is.Zero, errors)
        output
