namespace CoExpr.IO

open System
open System.IO
open System.Runtime.InteropServices
open CoExpr

/// A piece of memory with how far it was read or written, as the library has it.
[<Struct; StructLayout(LayoutKind.Sequential)>]
type internal ZstandardBuffer =
    val mutable Start: nativeint
    val mutable Size: unativeint
    val mutable Place: unativeint

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type internal ZstandardCreate = delegate of unit -> nativeint

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type internal ZstandardFree = delegate of nativeint -> unativeint

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type internal ZstandardCompress =
    delegate of nativeint * byref<ZstandardBuffer> * byref<ZstandardBuffer> * int -> unativeint

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type internal ZstandardIsError = delegate of unativeint -> uint32

[<UnmanagedFunctionPointer(CallingConvention.Cdecl)>]
type internal ZstandardErrorName = delegate of unativeint -> nativeint

/// Compression by the zstd library of the system (RFC 8878), which .NET 10 has not. It is found when it is first needed.
[<RequireQualifiedAccess>]
module Zstandard =

    let private variable = "COEXPR_ZSTD"

    let private install =
        "Debian and Ubuntu: apt install libzstd1; Fedora: dnf install libzstd; macOS: brew install zstd; conda: conda install zstd; "
        + $"elsewhere set {variable} to the library's path."

    let private candidates () =
        match Environment.GetEnvironmentVariable variable with
        | null
        | "" ->
            if OperatingSystem.IsWindows() then
                [ "libzstd.dll"; "zstd.dll" ]
            elif OperatingSystem.IsMacOS() then
                [
                    "libzstd.dylib"
                    "/opt/homebrew/lib/libzstd.dylib"
                    "/usr/local/lib/libzstd.dylib"
                ]
            else
                [ "libzstd.so.1"; "libzstd.so" ]
        | chosen -> [ chosen ]

    let private loaded =
        lazy
            (candidates ()
             |> List.tryPick (fun name ->
                 match NativeLibrary.TryLoad name with
                 | true, library -> Some library
                 | _ -> None))

    /// Ok, or how to install the library.
    let check () : Result<unit, CoExprError> =
        match loaded.Value with
        | Some _ -> Ok()
        | None ->
            Error(
                CoExprError.MissingLibrary("The zstd library", install, "Without it only .vcc packages cannot be made.")
            )

    let private bind<'f when 'f :> Delegate> name =
        Marshal.GetDelegateForFunctionPointer<'f>(NativeLibrary.GetExport(loaded.Value.Value, name))

    /// The library's ZSTD_EndDirective: go on, and end the frame.
    let private goOn, private finish = 0, 2

    let private room = 1 <<< 17

    /// One frame, piece by piece.
    let private compressPieces context (source: Stream) (target: Stream) =
        let step = bind<ZstandardCompress> "ZSTD_compressStream2"

        let isError, errorName =
            bind<ZstandardIsError> "ZSTD_isError", bind<ZstandardErrorName> "ZSTD_getErrorName"

        let input, output = Array.zeroCreate<byte> room, Array.zeroCreate<byte> room

        let pinned = [
            GCHandle.Alloc(input, GCHandleType.Pinned)
            GCHandle.Alloc(output, GCHandleType.Pinned)
        ]

        /// Hands over the first bytes of the input until all are taken, at the end until all is written.
        let push size directive =
            let mutable from = ZstandardBuffer()
            from.Start <- pinned[0].AddrOfPinnedObject()
            from.Size <- unativeint size
            let mutable left = 1un

            while from.Place < from.Size || directive = finish && left > 0un do
                let mutable into = ZstandardBuffer()
                into.Start <- pinned[1].AddrOfPinnedObject()
                into.Size <- unativeint room
                left <- step.Invoke(context, &into, &from, directive)

                if isError.Invoke left <> 0u then
                    invalidOp $"zstd: {Marshal.PtrToStringUTF8(errorName.Invoke left)}"

                target.Write(output, 0, int into.Place)

        try
            let mutable read = source.Read(input, 0, room)

            while read > 0 do
                push read goOn
                read <- source.Read(input, 0, room)

            push 0 finish
        finally
            for handle in pinned do
                handle.Free()

    /// Compresses a stream into one frame at the library's usual level. Raises CoExprFailure where the library is missing.
    let compress (source: Stream) (target: Stream) =
        check () |> CoExprError.unwrap
        let context = (bind<ZstandardCreate> "ZSTD_createCCtx").Invoke()

        if context = 0n then
            raise (OutOfMemoryException "zstd could not be given memory")

        try
            compressPieces context source target
        finally
            (bind<ZstandardFree> "ZSTD_freeCCtx").Invoke context |> ignore
