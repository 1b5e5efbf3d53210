#!/usr/bin/env bash
# Makes the demo clinic's recordings anew: small files with the patient's id burnt into the picture, so that a
# person (or a test that reads pixels) sees at once whose recording is playing. Needs ffmpeg with libx264, libvpx
# and drawtext (Debian: ffmpeg fonts-dejavu-core). The results are committed; nobody needs to run this to use them.
set -euo pipefail
cd "$(dirname "$0")/media"
colours=(0x1b4965 0x5f0f40 0x335c67 0x540b0e 0x283618 0x3d348b 0x6a4c93 0x1d3557 0x7f4f24 0x004e64)

picture() { # patient-id index: the video source
  printf 'color=c=%s:s=320x180:r=10:d=12,drawtext=text=%s:fontcolor=white:fontsize=40:x=(w-tw)/2:y=56,drawtext=text=%%{pts\\\\:hms}:fontcolor=white:fontsize=20:x=(w-tw)/2:y=116' \
    "${colours[$2]}" "$1"
}
voice() { printf 'sine=frequency=%s:duration=12:sample_rate=24000,volume=0.2' "$((220 + 40 * $1))"; }
h264=(-c:v libx264 -preset veryslow -crf 30 -pix_fmt yuv420p -g 20 -c:a aac -b:a 24k -ac 1)
quiet=(-hide_banner -loglevel error -y -fflags +bitexact)

for n in 01 02 03 04 05 06 07 08 09 10; do
  i=$((10#$n - 1))
  ffmpeg "${quiet[@]}" -f lavfi -i "$(picture "patient-0$n" "$i")" -f lavfi -i "$(voice "$i")" "${h264[@]}" \
    -flags +bitexact -movflags +faststart "patient-0$n.mp4"
done
ffmpeg "${quiet[@]}" -f lavfi -i "$(picture patient-002 1)" -f lavfi -i "$(voice 1)" \
  -c:v libvpx-vp9 -crf 45 -b:v 0 -g 20 -c:a libopus -b:a 24k -ac 1 -flags +bitexact patient-002.webm
ffmpeg "${quiet[@]}" -f lavfi -i "$(voice 2)" -c:a aac -b:a 32k -ac 1 -flags +bitexact -movflags +faststart patient-003.m4a
mkdir -p patient-007-hls
ffmpeg "${quiet[@]}" -f lavfi -i "$(picture patient-007 6)" -f lavfi -i "$(voice 6)" "${h264[@]}" -flags +bitexact \
  -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 \
  -hls_segment_filename 'patient-007-hls/segment-%03d.m4s' -master_pl_name master.m3u8 patient-007-hls/video.m3u8
